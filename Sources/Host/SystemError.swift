import Glibc

/// A system call that failed, to which name, and why.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was being done, with the path: "bind '/run/keyturn/keyturn.sock'".
    package let action: String
    package let code: Int32

    package init(_ action: String, code: Int32) {
        self.action = action
        self.code = code
    }

    /// Takes `errno`; nothing may come between it and the failed call.
    package init(_ action: String) {
        self.init(action, code: errno)
    }

    package var description: String {
        // SAFETY: strerror answers a C string that stays valid until the next call; it is copied at once.
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return "could not \(action): \(reason)"
    }
}
