/// A next step as it works when pasted into the caller's shell.
struct PastedCommand {
    /// Where this command was told to connect; `nil` where the environment or the default says so, as it will for the next one.
    let socket: String?

    /// `command` is one of `keyturn`, to the same daemon then, or of another program, or a sentence: those stay as they are.
    func text(_ command: String) -> String {
        guard let socket, let rest = Self.afterName(command), !Self.needsNoDaemon.contains(where: rest.hasPrefix) else { return command }
        return "\(Self.name)--socket \(Self.quoted(socket)) \(rest)"
    }

    private static let name = "keyturn "
    private static let needsNoDaemon = ["help ", "init "]

    private static func afterName(_ command: String) -> String? {
        command.hasPrefix(name) ? String(command.dropFirst(name.count)) : nil
    }

    /// Starts a daemon of one's own for a vault. `keyFile`: where the key is, if not beside the vault.
    static func daemon(of vault: String, keyFile: String?) -> String {
        let key = keyFile.map { " --key-file \(quoted($0))" } ?? ""
        return "keyturnd --vault \(quoted(vault))\(key) --socket \(quoted(socket(of: vault)))"
    }

    /// Where that daemon then listens.
    static func socket(of vault: String) -> String { "\(vault).sock" }

    /// A word of the shell (POSIX, 2.2.2): nothing in single quotes is special but the quote itself.
    static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-".utf8)
}
