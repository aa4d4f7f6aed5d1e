import Foundation
import Glibc
import Synchronization

/// A program that was started, with its output in files and its end awaited on a thread of its own.
package final class ChildProcess: Sendable {
    package let pid: Int32
    private let state = Mutex(State())

    private struct State {
        var ending: Ending?
        var leftCore = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    package enum Ending: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    package struct CouldNotStart: Error {
        let program: String
        let code: Int32
    }

    package struct StillRunning: Error {
        let pid: Int32
    }

    /// `input` is what the program reads from its standard input, then the end of it. `listener`: a socket that it finds where systemd would
    /// have put it.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String], input: [UInt8] = [], listener: Int32? = nil,
        output: String,
        errors: String
    ) throws {
        var ends: [Int32] = [0, 0]
        // A pipe would be marked to be closed in other programs only after another thread may have started one.
        // SAFETY: the array has room for the two descriptors that are answered.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw CouldNotStart(program: program, code: errno)
        }
        do { pid = try Self.spawn(program, arguments, environment, input: ends[0], listener, output, errors) } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        close(ends[0])
        let writing = ends[1]
        Thread.detachNewThread { [self] in
            Self.write(input, to: writing)
            reap()
        }
    }

    private static func spawn(
        _ program: String, _ arguments: [String], _ environment: [String: String], input: Int32, _ listener: Int32?, _ output: String,
        _ errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        var defaults = sigset_t()
        var none = sigset_t()
        var pid: pid_t = 0
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        // SAFETY: all structures are live variables that are initialised here and destroyed below; the arrays end with a null pointer.
        let code = {
            posix_spawn_file_actions_init(&actions)
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            // A socket of this process that lived on in another one would not be closed when it is closed here.
            if let listener { posix_spawn_file_actions_adddup2(&actions, listener, 3) }
            for descriptor in (listener == nil ? 3 : 4)...highestDescriptor() + 64 {
                posix_spawn_file_actions_addclose(&actions, descriptor)
            }
            posix_spawnattr_init(&attributes)
            sigfillset(&defaults)
            sigemptyset(&none)
            posix_spawnattr_setsigdefault(&attributes, &defaults)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
            return posix_spawn(&pid, program, &actions, &attributes, words, variables)
        }()
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        guard code == 0 else { throw CouldNotStart(program: program, code: code) }
        return pid
    }

    private static func highestDescriptor() -> Int32 {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.compactMap { Int32($0) }.max() ?? 1024
    }

    /// A reader that went away is its own affair: nothing is told.
    private static func write(_ input: [UInt8], to descriptor: Int32) {
        defer { close(descriptor) }
        var rest = input[...]
        while !rest.isEmpty {
            // SAFETY: the buffer is valid for its count.
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func reap() {
        var status: Int32 = 0
        // SAFETY: `status` is a live variable; the process is our child and is waited for here only.
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        let waiters = state.withLock { state in
            state.ending = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            // WCOREDUMP of wait(2).
            state.leftCore = status & 0x80 != 0
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    package var ending: Ending? { state.withLock { $0.ending } }

    /// Whether the kernel wrote its memory down when it ended.
    package var leftCore: Bool { state.withLock { $0.leftCore } }

    /// Nothing happens when it has ended.
    package func send(_ signal: Int32) {
        state.withLock { state in
            // Not reaped yet, so that the number is still this process's.
            if state.ending == nil { kill(pid, signal) }
        }
    }

    /// Its end; a process that takes longer is killed, and the test fails.
    package func ended(within time: Duration = .seconds(60)) async throws -> Ending {
        let overtime = Task {
            try await Task.sleep(for: time)
            send(SIGKILL)
            throw StillRunning(pid: pid)
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state -> Bool in
                if state.ending != nil { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        overtime.cancel()
        if case .failure(let error) = await overtime.result, error is StillRunning { throw error }
        return ending!
    }

    /// What the kernel shows of it to others: its arguments and its environment.
    package func shownByTheKernel() -> [UInt8] {
        ["cmdline", "environ"].flatMap { (FileManager.default.contents(atPath: "/proc/\(pid)/\($0)")).map(Array.init) ?? [] }
    }
}
