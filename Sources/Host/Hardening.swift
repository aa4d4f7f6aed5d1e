import CLinux
import Glibc

/// What the process does to itself first, before it knows any secret.
package struct Hardening: Sendable, Equatable {
    /// RLIMIT_NOFILE as it is now.
    package let openFilesMax: Int64
    /// RLIMIT_MEMLOCK in bytes; `nil` without a limit. What does not fit is not locked, silently.
    package let lockedBytesMax: Int64?

    /// No core dump, no tracer of the same user, files for the owner only, a closed socket is an error and no signal.
    package static func apply() throws(SystemError) -> Hardening {
        // SAFETY: changes limits and flags of this process only.
        guard kt_forbid_dumps() == 0 else { throw SystemError("forbid core dumps") }
        // SAFETY: sets a process-wide mask; nothing else changes it but the binding of the socket, which puts it back.
        umask(0o077)
        // SAFETY: SIG_IGN runs no code of ours.
        signal(SIGPIPE, SIG_IGN)
        // SAFETY: changes a limit of this process only.
        let files = kt_raise_open_files()
        guard files >= 0 else { throw SystemError("raise the limit of open files") }
        // SAFETY: reads a limit.
        let locked = kt_locked_memory_limit()
        return Hardening(openFilesMax: files, lockedBytesMax: locked >= 0 ? locked : nil)
    }

    /// Gives freed memory back to the kernel: after a burst the heap does not shrink by itself.
    package static func trimHeap() {
        // SAFETY: thread-safe, no arguments.
        kt_trim_heap()
    }
}
