import Glibc
import Secrets

/// Asks on the terminal, without echo. Whatever ends the program, the terminal echoes again.
enum SecretPrompt {
    static func read(_ text: String) throws(Failure) -> Secret {
        guard SecretSource.isTerminal(STDIN_FILENO) else {
            throw .usage("There is no terminal to ask on. Give the secret with --stdin or --file FILE.")
        }
        let secret = try withoutEcho { () throws(Failure) in
            Sink.descriptor(STDERR_FILENO).write("\(SafeText.line(text)): ")
            return try SecretSource.read(STDIN_FILENO, to: .line, from: "standard input")
        }
        Sink.descriptor(STDERR_FILENO).write("\n")
        guard secret.count < terminalLineBytes else {
            throw .usage(
                "A terminal takes lines of up to \(terminalLineBytes - 1) bytes only. Give the secret with --stdin or --file FILE.")
        }
        return secret
    }

    /// termios(3): a longer line is cut off without a word.
    private static let terminalLineBytes = 4095

    private static func withoutEcho<Result: ~Copyable>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        var settings = termios()
        // SAFETY: tcgetattr(3) fills the structure or fails.
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { throw .failed("The terminal can't be told not to echo.") }
        EchoRestorer.arm(settings)
        defer { EchoRestorer.disarm() }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        // No suspending either: the shell would get a terminal that doesn't echo.
        withUnsafeMutableBytes(of: &silent.c_cc) { $0[Int(VSUSP)] = 0 }
        // SAFETY: the settings are the terminal's own with two changes.
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else { throw .failed("The terminal can't be told not to echo.") }
        return try body()
    }
}

/// Puts the terminal back as it was, also from a signal handler.
private enum EchoRestorer {
    // SAFETY: written by `arm` before the handlers that read it are installed, and by one thread only: there is one prompt at a time.
    nonisolated(unsafe) private static var saved = termios()

    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    static func arm(_ settings: termios) {
        saved = settings
        for number in signals {
            // SAFETY: the handler calls async-signal-safe functions only (signal-safety(7)) and reads what was written before.
            signal(number) { number in
                EchoRestorer.restore()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    static func disarm() {
        restore()
        // SAFETY: back to what they were when the program started.
        for number in signals { signal(number, SIG_DFL) }
    }

    private static func restore() {
        // SAFETY: tcsetattr(3) is async-signal-safe; `saved` holds the terminal's own settings.
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved)
    }
}
