import ArgumentParser
import KeyturnClient
import KeyturnWire

struct SealCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Make the daemon forget its key: nothing can be read or rotated until it is unsealed.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let state = try await context.daemon.seal().body
        context.console.show(state) { context.console.done("The vault is sealed.") }
        return state.sealed ? .done : .failed
    }
}

struct UnsealCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal", abstract: "Let the daemon open the vault again with the key that it finds by itself.",
        discussion: "The key comes from the unit's credential keyturn.key, or from the key file in the daemon's settings.")

    @Flag(
        help: ArgumentHelp(
            "Open it although it may be an older copy. It is then in quarantine: nothing goes out, since its keys may be dead ones."))
    var acceptOlder = false

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let state = try await context.daemon.unseal(Unseal(acceptOlder: acceptOlder ? true : nil)).body
        context.console.show(state) { context.console.done(state.sealed ? "The vault is still sealed." : "The vault is unsealed.") }
        return state.sealed ? .sealed : .done
    }
}

struct WhoamiCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show how the daemon sees you, and what you may do.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let caller = try await context.daemon.whoami().body
        context.console.show(caller) {
            var sheet = Sheet()
            sheet.add("uid", caller.user.map { "\(caller.uid) (\($0))" } ?? "\(caller.uid)")
            sheet.add("gid", "\(caller.gid)")
            sheet.add("groups", caller.groups.map(String.init).joined(separator: " "))
            sheet.add("pid", "\(caller.pid)")
            sheet.add("unit", Styled(caller.unit))
            sheet.add("rights", caller.rights.isEmpty ? "none" : caller.rights.joined(separator: " "))
            context.console.sheet(sheet)
        }
        return .done
    }
}

struct IntakeKeyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "intake-key", abstract: "Print the key to which anyone can seal a secret for this vault.",
        discussion: """
            It is not secret. On another machine:
              keyturn encrypt --to KEY --for openai-prod > box.json
            """)

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let key = try await context.daemon.intakeKey().body
        context.console.show(key) { context.console.line("\(key.key)") }
        return .done
    }
}

struct VersionCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the versions of this program and of the daemon.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Versions: Encodable {
        let client: String
        @Nullable var daemon: String?
    }

    /// That the daemon does not say is no failure: this program's own version is known.
    func perform(_ context: Context) async throws -> CommandExit {
        let versions = Versions(client: Release.version, daemon: try? await context.daemon.status().body.version)
        context.console.show(versions) {
            var sheet = Sheet()
            sheet.add("keyturn", versions.client)
            sheet.add("keyturnd", versions.daemon ?? "not known; it does not answer, or you may not ask")
            context.console.sheet(sheet)
        }
        return .done
    }
}
