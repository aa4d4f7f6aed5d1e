import ArgumentParser
import KeyturnClient
import KeyturnWire

struct ReleaseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Take a config, or the whole vault, out of quarantine: its keys are the right ones.",
        discussion: """
            A vault that was restored, that may be an older copy, or that is another machine's may hold keys which have died since. Nothing \
            goes out for a config in quarantine, until a newly staged key is rotated to (older staged ones are passed over then) or until you \
            say that its keys are right. What was under way is stuck, and can be resolved afterwards. --all ends the quarantine and takes \
            the vault over to this machine. Where there is nothing to release, nothing happens (exit status 0).
            """)

    @Argument(help: "Name of the config.", completion: .configs) var name: String?
    @Flag(help: "All configs, and the vault itself.") var all = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func validate() throws {
        if (name == nil) != all { throw ValidationError("Say one of NAME and --all.") }
    }

    struct Released: Encodable {
        /// False when there was nothing to release.
        let released: Bool

        enum CodingKeys: CodingKey {
            case released
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        if let name {
            let name = try Checked.config(name)
            let config = try await context.daemon.release(name).body
            try await context.show(config, named: name) { "Config \(name) is out of quarantine." }
        } else {
            let before = try await context.daemon.status().body
            try await context.daemon.releaseAll()
            let isOver = before.sealed || before.quarantine != nil
            context.console.show(Released(released: isOver)) {
                context.console.done(
                    isOver
                        ? "The quarantine is over; the vault is this machine's." : "The vault is not in quarantine; nothing was changed.")
            }
        }
        return .done
    }
}
