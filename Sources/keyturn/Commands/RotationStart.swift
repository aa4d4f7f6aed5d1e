import FoundationEssentials
import KeyturnClient
import KeyturnWire

extension Context {
    /// Starts a rotation, waits for it unless told otherwise, and shows how it ended.
    func start(_ act: RotationAct, of config: String, _ body: Rotate, _ flags: RotationFlags) async throws -> CommandExit {
        let waiting: Waiting = flags.noWait ? .no : .untilDone
        do {
            let answer = try await Progress.during(Self.progress(act, config), on: console) {
                try await requested(act, of: config, body, waiting: waiting, idempotencyKey: flags.idempotencyKey)
            }
            switch answer {
            case .rotation(let rotation): return RotationReport(console: console).show(rotation, waiting: waiting)
            case .notDue(let notDue):
                console.show(notDue) { console.done("\(config): \(notDue.reason)\(notDue.dueAt.map { "; due at \($0)" } ?? "")") }
                return .notDue
            case .dryRun(let dryRun):
                console.show(dryRun) {
                    console.line(
                        dryRun.joins == nil
                            ? "\(config): version \(dryRun.version ?? 0) would become current:" : "\(config): no rotation would begin:")
                    for (number, step) in dryRun.steps.enumerated() { console.line("  \(number + 1). \(step)") }
                }
                return .done
            }
        } catch let error as ClientError {
            if case .problem(let problem) = error, problem.code == "paused", body.ifDue == true {
                console.report(problem)
                return .notDue
            }
            return try RotationReport(console: console).show(error)
        }
    }

    /// Asks, and asks once more with the same idempotency key if the connection breaks: the daemon was restarted, and goes on with it.
    func requested(
        _ act: RotationAct, of config: String, _ body: Rotate, waiting: Waiting, idempotencyKey: String? = nil
    ) async throws(ClientError) -> RotationAnswer {
        let key = idempotencyKey ?? UUID().uuidString.lowercased()
        do {
            return try await daemon.start(act, of: config, body, waiting: waiting, idempotencyKey: key).body
        } catch .lost {
            return try await daemon.start(act, of: config, body, waiting: waiting, idempotencyKey: key).body
        }
    }

    private static func progress(_ act: RotationAct, _ config: String) -> String {
        switch act {
        case .rotate: "Rotating \(config)"
        case .rollback: "Rolling back \(config)"
        case .prove: "Proving \(config)"
        }
    }
}
