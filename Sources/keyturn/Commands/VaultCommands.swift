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

struct RekeyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "rekey", abstract: "Replace the vault's root key: what an old copy of it opens, opens nothing new.",
        discussion: """
            All records are sealed anew and all slots stay good; no secret is asked for. A crash leaves the old vault or the new one. Needs as \
            much free room on the disk as the vault has. There is a new intake key afterwards; boxes made to the old one are taken for 30 days.
            """)

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let key = try await context.daemon.rekey().body
        context.console.show(key) {
            context.console.done("The vault has a new root key; its new intake key is \(key.keyID).")
        }
        return .done
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
            for rule in caller.rules {
                sheet.add("rule", "\(rule.name): \(rule.may.joined(separator: " ")) on \(rule.configs.joined(separator: " "))")
            }
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
        let key = try await context.offeredKey(for: .stage)
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
