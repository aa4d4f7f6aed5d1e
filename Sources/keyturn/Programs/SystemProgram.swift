import Glibc
import Secrets

/// A program of the system's own that is run to its end for what it says.
struct SystemProgram {
    let path: String
    let environment: [String: String]

    /// More than `systemctl show` prints of a dozen units; what is above it is cut off.
    private static let bytesMax = 1 << 20
    /// PID 1 answers within milliseconds; a TPM takes a second.
    private static let patience = Duration.seconds(20)

    struct Run {
        let status: Int32
        let output: [UInt8]
        let errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
        /// What it complained of last: warnings come before what it failed at.
        var complaint: String { errors.split(separator: "\n").last.map { SafeText.line(String($0)) } ?? "it ended with \(status)" }
    }

    /// Of a program that prints a secret.
    struct SecretRun: ~Copyable {
        let run: Run
        let secret: Secret
    }

    /// Its words are asked for in English, since they are shown as they are. Throws when it can't be started, or takes too long.
    func run(_ arguments: [String], input: consuming ChildProcess.Input = .nothing) async throws(Failure) -> Run {
        let (output, errors) = (try Pipe(), try Pipe())
        let status = try await finish(arguments, input: input, output, errors, draining: [output, errors])
        return Run(status: status, output: output.content, errors: errors.text)
    }

    /// What it prints goes from the pipe into guarded memory alone. It has to fit into the pipe, 64 KiB, since it is read at the end.
    func runForSecret(_ arguments: [String]) async throws(Failure) -> SecretRun {
        let (output, errors) = (try Pipe(), try Pipe())
        let status = try await finish(arguments, input: .nothing, output, errors, draining: [errors])
        let secret = try SecretSource.read(output.reading, to: .endOfFile, from: "the output of \(name)")
        return SecretRun(run: Run(status: status, output: [], errors: errors.text), secret: secret)
    }

    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    private func finish(
        _ arguments: [String], input: consuming ChildProcess.Input, _ output: Pipe, _ errors: Pipe, draining: [Pipe]
    ) async throws(Failure) -> Int32 {
        let child = try ChildProcess.start(
            path, [name] + arguments, environment: environment.merging(["LC_ALL": "C"]) { $1 }, input: input,
            output: .descriptors(output: output.writing, errors: errors.writing))
        output.closeWriting()
        errors.closeWriting()
        let isWhole = Self.drain(draining, until: .now + Self.patience)
        if !isWhole { child.end() }
        let status = await child.wait()
        guard isWhole else { throw .failed("\(name) has not answered within \(Self.patience.components.seconds) s.") }
        return status
    }

    /// Reads all until their ends; false when that takes too long.
    private static func drain(_ pipes: [Pipe], until end: ContinuousClock.Instant) -> Bool {
        while case let open = pipes.filter({ !$0.isAtEnd }), !open.isEmpty {
            let left = (end - .now).components.seconds
            guard left >= 0 else { return false }
            var polled = open.map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
            // SAFETY: the array has as many entries as is said.
            guard poll(&polled, nfds_t(polled.count), Int32(left + 1) * 1000) >= 0 || errno == EINTR else { return false }
            for (pipe, found) in zip(open, polled) where found.revents != 0 { pipe.readOnce(max: bytesMax) }
        }
        return true
    }

    private final class Pipe {
        let reading: CInt
        let writing: CInt
        private var isWritingClosed = false
        private(set) var content: [UInt8] = []
        var text: String { String(decoding: content, as: UTF8.self) }
        private(set) var isAtEnd = false

        init() throws(Failure) {
            var ends: [CInt] = [0, 0]
            // SAFETY: there is room for two descriptors.
            guard pipe(&ends) == 0 else { throw .failed("There is no descriptor left for a pipe.") }
            // SAFETY: both are ours.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (reading, writing) = (ends[0], ends[1])
        }

        func closeWriting() {
            guard !isWritingClosed else { return }
            isWritingClosed = true
            // SAFETY: ours, closed once.
            close(writing)
        }

        func readOnce(max: Int) {
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            // SAFETY: the buffer has as many bytes as are asked for.
            let count = read(reading, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { return }
            guard count > 0 else { return isAtEnd = true }
            content += buffer[..<count].prefix(max - content.count)
        }

        deinit {
            closeWriting()
            // SAFETY: ours, closed once.
            close(reading)
        }
    }
}
