import KeyturnClient
import KeyturnWire

/// `rotate --all-due`: every config that is due, eight at once of each upstream. What goes wrong with one stops no other, and an upstream that
/// does not answer holds up no other.
struct AllDue: Sendable {
    let context: Context
    let reason: String?
    let waiting: Waiting

    static let atOnce = 8

    /// What came of one config.
    struct Item: Encodable, Sendable {
        let config: String
        let outcome: Outcome
        @Nullable var rotation: Rotation?
        @Nullable var problem: ProblemDocument?

        enum Outcome: String, Encodable {
            case rotated, started
            case notDue = "not_due"
            case failed
        }
    }

    struct Result: Encodable {
        let items: [Item]
    }

    func run() async throws -> CommandExit {
        let filter = ConfigFilter(isDue: true)
        // All names first: what is done falls out of the list, so that a cursor could skip some.
        let due = try await context.all { after throws(ClientError) in try await context.daemon.configs(filter, after: after) }
        let items = await rotate(Dictionary(grouping: due, by: \.upstream).mapValues { $0.map(\.name) })
        if context.console.isJSON { context.console.json(Result(items: items)) }
        if items.isEmpty { context.console.done("Nothing is due.") }
        return Self.exit(for: items.map(\.outcome))
    }

    static func exit(for outcomes: [Item.Outcome]) -> CommandExit {
        if outcomes.contains(.failed) { return .failed }
        return outcomes.contains { $0 != .notDue } ? .done : .notDue
    }

    private func rotate(_ namesByUpstream: [String: [String]]) async -> [Item] {
        await withTaskGroup(of: [Item].self) { group in
            for names in namesByUpstream.values { group.addTask { await rotate(names) } }
            return await group.reduce(into: []) { $0 += $1 }.sorted { $0.config < $1.config }
        }
    }

    private func rotate(_ names: [String]) async -> [Item] {
        await withTaskGroup(of: Item.self) { group in
            var rest = names[...]
            var items: [Item] = []
            for name in rest.prefix(Self.atOnce) { group.addTask { await rotate(name) } }
            rest = rest.dropFirst(Self.atOnce)
            while let item = await group.next() {
                tell(item)
                items.append(item)
                if let name = rest.popFirst() { group.addTask { await rotate(name) } }
            }
            return items
        }
    }

    private func rotate(_ name: String) async -> Item {
        do {
            let body = Rotate(ifDue: true, reason: reason)
            switch try await context.requested(.rotate, of: name, body, waiting: waiting) {
            case .rotation(let rotation) where rotation.state == "succeeded":
                return Item(config: name, outcome: .rotated, rotation: rotation, problem: nil)
            case .rotation(let rotation) where rotation.state == "running" && waiting == .no:
                return Item(config: name, outcome: .started, rotation: rotation, problem: nil)
            case .rotation(let rotation): return Item(config: name, outcome: .failed, rotation: rotation, problem: nil)
            case .notDue, .dryRun: return Item(config: name, outcome: .notDue, rotation: nil, problem: nil)
            }
        } catch {
            let problem = Failure.client(error).document
            // Paused since the list was made.
            guard problem.code != "paused" else { return Item(config: name, outcome: .notDue, rotation: nil, problem: nil) }
            return Item(config: name, outcome: .failed, rotation: problem.rotation, problem: problem)
        }
    }

    /// Told at once: the others may take minutes.
    private func tell(_ item: Item) {
        let console = context.console
        switch item.outcome {
        case .rotated, .started:
            guard let rotation = item.rotation else { return }
            console.done(Styled(rotation.outcome))
            rotation.warnings.forEach { console.warn("\(item.config): \($0)") }
        case .notDue: break
        case .failed:
            if let problem = item.problem {
                var named = problem
                named.detail = problem.detail.contains(item.config) ? problem.detail : "\(item.config): \(problem.detail)"
                console.report(named)
            } else if let rotation = item.rotation {
                _ = RotationReport(console: console.forPeople).show(rotation)
            }
        }
    }
}

extension Console {
    /// The same without results in JSON, for what is part of a larger document.
    fileprivate var forPeople: Console {
        Console(output: output, errors: errors, isJSON: false, isQuiet: isQuiet, mayColour: mayColour, pasted: pasted)
    }
}
