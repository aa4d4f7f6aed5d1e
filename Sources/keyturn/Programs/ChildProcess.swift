import Dispatch
import Glibc
import Secrets
import Synchronization

/// Another program that was started.
final class ChildProcess: Sendable {
    private let pid: pid_t
    /// Its exit status, or 128 and the signal that ended it; once it is there the pid may be another's.
    private let ending = Mutex<Int32?>(nil)

    private init(pid: pid_t) {
        self.pid = pid
    }

    /// What it can read on standard input.
    enum Input: ~Copyable {
        case nothing
        /// A pipe with these bytes in it.
        case secret(Secret)
    }

    /// Where its standard output and error go.
    enum Output: Equatable, Sendable {
        case inherited
        case file(String)
        /// Two descriptors of the caller's, which closes them.
        case descriptors(output: CInt, errors: CInt)
    }

    static func start(
        _ executable: String, _ arguments: [String], environment: [String: String], input: consuming Input = .nothing,
        output: Output = .inherited
    ) throws(Failure) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        // SAFETY: both are initialised here and destroyed once; strings are copied by the calls (posix_spawn_file_actions_addopen(3)).
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // SAFETY: as above.
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        restoreSignals(in: &attributes)
        let pipe = try self.pipe(for: input)
        // SAFETY: the descriptors are ours and closed once; the child has its own copy.
        defer { pipe.map { _ = close($0) } }
        if let pipe {
            // SAFETY: `actions` is initialised.
            posix_spawn_file_actions_adddup2(&actions, pipe, STDIN_FILENO)
        } else {
            // SAFETY: as above.
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        switch output {
        case .inherited: break
        case .file(let path):
            // SAFETY: as above.
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            // SAFETY: as above.
            posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        case .descriptors(let output, let errors):
            // SAFETY: as above.
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
            // SAFETY: as above.
            posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        }
        var pid: pid_t = 0
        let code = CStrings.with(arguments) { arguments in
            CStrings.with(environment.map { "\($0.key)=\($0.value)" }) { environment in
                // SAFETY: both lists end with a null pointer and live through the call.
                posix_spawn(&pid, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw .failed("'\(executable)' can't be started: \(LocalFile.reason(code)).") }
        return ChildProcess(pid: pid)
    }

    /// Returns its exit status, or 128 and the signal that ended it. Cancelling ends it first.
    func wait() async -> Int32 {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { continuation.resume(returning: self.reaped(WEXITED)!) }
            }
        } onCancel: {
            end()
        }
    }

    /// As for `wait`, without waiting; `nil` while it runs.
    var endedWith: Int32? { reaped(WEXITED | WNOHANG) }

    /// Asks it to stop.
    func end() {
        ending.withLock { ending in
            guard ending == nil else { return }
            // SAFETY: the pid is our child's and not reaped yet, so that it can't be another's.
            kill(pid, SIGTERM)
        }
    }

    /// Waits without reaping first, so that `end` never sees a pid that is free again.
    private func reaped(_ options: CInt) -> Int32? {
        var information = siginfo_t()
        // SAFETY: `information` is written by the call.
        while ending.withLock({ $0 }) == nil, waitid(P_PID, id_t(pid), &information, options | WNOWAIT) < 0, errno == EINTR {}
        return ending.withLock { ending in
            if ending != nil { return ending }
            var status: CInt = 0
            // SAFETY: the status is written by the call.
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            let signal = status & 0x7F
            ending = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            return ending
        }
    }

    /// What this process ignores or handles the child must not inherit: NIO ignores SIGPIPE, the demo catches the others.
    private static func restoreSignals(in attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        // SAFETY: both structures are initialised.
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
        // SAFETY: as above.
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // SAFETY: as above.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    }

    /// The end to read from. A pipe holds 64 KiB, so that the secret is in it before the child runs.
    private static func pipe(for input: consuming Input) throws(Failure) -> CInt? {
        switch consume input {
        case .nothing: return nil
        case .secret(let secret):
            var ends: [CInt] = [0, 0]
            // SAFETY: there is room for two descriptors.
            guard Glibc.pipe(&ends) == 0 else { throw .failed("There is no descriptor left for a pipe.") }
            // One child is started at a time: none can inherit them before they are marked.
            // SAFETY: both are ours.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let written = secret.withBytes { bytes in
                // SAFETY: the buffer is valid for its count; the kernel's copy is gone once the child has read it.
                unsafe bytes.withUnsafeBytes { unsafe write(ends[1], $0.baseAddress, $0.count) }
            }
            // SAFETY: ours, closed once.
            close(ends[1])
            guard written == secret.count else { throw .failed("The pipe to a command takes nothing.") }
            return ends[0]
        }
    }
}

/// Argument lists as C has them.
private enum CStrings {
    static func with<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
        // SAFETY: each copy is freed after the body.
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
