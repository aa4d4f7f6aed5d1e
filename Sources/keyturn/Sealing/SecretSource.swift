import Glibc
import Secrets

/// Where a secret is read from. Never an argument, never the environment.
enum SecretSource: Equatable {
    case prompt(String)
    case standardInput
    case file(String)

    /// From the options of a command; `-` is standard input.
    static func chosen(stdin: Bool, file: String?, prompt: String) throws(Failure) -> SecretSource {
        switch (stdin, file) {
        case (true, .some): throw .usage("--stdin and --file exclude each other.")
        case (true, nil), (false, "-"): return .standardInput(prompt: prompt)
        case (false, .some(let path)): return .file(path)
        case (false, nil): return .prompt(prompt)
        }
    }

    /// What `--…-stdin` means: a pipe is read to its end, a person is asked.
    static func standardInput(prompt: String) -> SecretSource {
        isTerminal(STDIN_FILENO) ? .prompt(prompt) : .standardInput
    }

    func read() throws(Failure) -> Secret {
        switch self {
        case .prompt(let text): return try SecretPrompt.read(text)
        case .standardInput: return try Self.read(STDIN_FILENO, to: .endOfFile, from: "standard input")
        case .file(let path):
            // SAFETY: open(2) takes a C string; the descriptor is closed below.
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .usage("The file '\(path)' can't be read: \(LocalFile.reason(errno)).") }
            // SAFETY: the descriptor is ours and closed once.
            defer { close(descriptor) }
            return try Self.read(descriptor, to: .endOfFile, from: "'\(path)'")
        }
    }

    static func isTerminal(_ descriptor: CInt) -> Bool {
        // SAFETY: isatty(3) takes any number.
        isatty(descriptor) == 1
    }

    static func read(_ descriptor: CInt, to end: SecretReader.End, from name: String) throws(Failure) -> Secret {
        do throws(SecretReader.Failure) {
            return try SecretReader.read(descriptor, to: end)
        } catch {
            switch error {
            case .tooLong: throw .usage("There are more than \(SecretReader.bytesMax) bytes in \(name): that is no key.")
            case .unreadable(let code): throw .usage("\(name) can't be read: \(LocalFile.reason(code)).")
            }
        }
    }
}
