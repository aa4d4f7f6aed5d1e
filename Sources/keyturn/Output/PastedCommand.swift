import Model

/// A next step as it works when pasted into the caller's shell.
struct PastedCommand {
    /// Where this command was told to connect; `nil` where the environment or the default says so, as it will for the next one.
    let socket: String?

    /// `command` is one of `keyturn`, to the same daemon then, or of another program, or a sentence: those stay as they are.
    func text(_ command: String) -> String {
        guard let socket, let rest = Self.afterName(command), !Self.needsNoDaemon.contains(where: rest.hasPrefix) else { return command }
        return "\(Self.name)--socket \(ShellWord.quoted(socket)) \(rest)"
    }

    private static let name = "keyturn "
    private static let needsNoDaemon = ["help ", "init "]

    private static func afterName(_ command: String) -> String? {
        command.hasPrefix(name) ? String(command.dropFirst(name.count)) : nil
    }

    /// Starts a daemon of one's own for a vault. `keyFile`: where the key is, if not beside the vault.
    static func daemon(of vault: String, keyFile: String?) -> String {
        let key = keyFile.map { " --key-file \(ShellWord.quoted($0))" } ?? ""
        return "keyturnd --vault \(ShellWord.quoted(vault))\(key) --socket \(ShellWord.quoted(socket(of: vault)))"
    }

    /// Where that daemon then listens.
    static func socket(of vault: String) -> String { "\(vault).sock" }
}
