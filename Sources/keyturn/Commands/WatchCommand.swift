import ArgumentParser
import FoundationEssentials
import KeyturnClient
import KeyturnWire

struct WatchCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show each step of each rotation as it happens, until interrupted.",
        discussion: "With --json a line of JSON for each. A restart of the daemon is survived, and nothing durable is missed.")

    @Argument(help: "Only those of this config.", completion: .configs) var name: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try name.map { text throws(Failure) in try Checked.config(text) }
        let console = context.console
        var wasLost = false
        for try await item in context.daemon.watch(config: name) {
            switch item {
            case .connected:
                if wasLost || console.errors.isTerminal { console.note(wasLost ? "Connected again." : "Watching; Ctrl-C ends it.") }
                wasLost = false
            case .disconnected(let why):
                console.note("The stream broke off; trying again. \(why)")
                wasLost = true
            case .event(let event): try Self.show(event, on: console)
            }
        }
        return .done
    }

    private static func show(_ event: ServerEvent, on console: Console) throws(ClientError) {
        let step: RotationEvent
        do {
            step = try WireJSON.decode(RotationEvent.self, from: Data(event.data.utf8))
        } catch {
            throw .garbage("an event can't be read")
        }
        console.show(step) {
            console.line(
                "\(step.at)  \(step.config)  \(step.event)", Styled(step.version.map { "  v\($0)" } ?? ""),
                step.state.map { Styled("  \($0)", Styled.state($0).style) } ?? "", Styled(step.reason.map { "  \($0)" } ?? ""))
        }
    }
}
