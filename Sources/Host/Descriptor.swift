import Glibc

/// An open file descriptor that is closed with its last owner. A number alone could be closed and given to another file while somebody still uses it.
package final class Descriptor: Sendable {
    package let number: Int32

    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // SAFETY: the number is ours alone, and nobody can use it after the last reference is gone.
        close(number)
    }
}
