import Glibc

/// What `--json` shows of something that is no more.
struct Removed: Encodable {
    let name: String
    let removed = true

    enum CodingKeys: String, CodingKey {
        case name, removed
    }
}

/// A last question before something is destroyed.
enum Confirmation {
    /// Returns when it was answered with yes, in advance or now.
    static func ask(
        _ question: String, yes: Bool,
        onTerminal: Bool = SecretSource.isTerminal(STDIN_FILENO) && SecretSource.isTerminal(STDERR_FILENO)
    ) throws(Failure) {
        guard !yes else { return }
        guard onTerminal else {
            throw .usage("This destroys something, and there is no terminal to ask on: say --yes if you mean it.")
        }
        Sink.descriptor(STDERR_FILENO).write("\(SafeText.line(question)) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else { throw .failed("Nothing was changed.") }
    }
}
