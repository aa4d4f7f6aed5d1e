import KeyturnClient
import KeyturnWire

/// What the process was started with; a test makes its own.
struct Surroundings: Sendable {
    var environment: [String: String]
    var output: Sink
    var errors: Sink
}

/// What a command works with.
struct Context: Sendable {
    let daemon: Daemon
    let console: Console
    let environment: [String: String]

    init(daemon: Daemon, console: Console, environment: [String: String]) {
        self.daemon = daemon
        self.console = console
        self.environment = environment
    }

    init(_ flags: GlobalFlags, in surroundings: Surroundings) {
        let choice = SocketChoice(flag: flags.socket, environment: surroundings.environment)
        self.init(
            daemon: Daemon(socketPath: choice.path),
            console: Console(surroundings, json: flags.json, quiet: flags.quiet, socket: flags.socket),
            environment: surroundings.environment)
    }

    /// Runs a command's work; an error that it throws is printed.
    func finish(_ work: () async throws -> CommandExit) async -> CommandExit {
        do {
            return try await work()
        } catch {
            let failure = Failure(error)
            console.report(failure)
            return failure.exit
        }
    }

    /// All items of a list, page by page.
    func all<Item>(_ page: (_ after: String?) async throws(ClientError) -> Reply<Page<Item>>) async throws(ClientError) -> [Item] {
        var items: [Item] = []
        try await forEachPage(page) { items += $0 }
        return items
    }

    func forEachPage<Item>(
        _ page: (_ after: String?) async throws(ClientError) -> Reply<Page<Item>>, do body: ([Item]) -> Void
    ) async throws(ClientError) {
        var cursor: String?
        repeat {
            let reply = try await page(cursor).body
            body(reply.items)
            guard reply.next == nil || reply.next != cursor else { throw .garbage("the list repeats itself") }
            cursor = reply.next
        } while cursor != nil
    }
}
