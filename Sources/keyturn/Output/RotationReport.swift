import KeyturnClient
import KeyturnWire

/// How a rotation's end is shown, the same for each command that may start or end one.
struct RotationReport {
    let console: Console

    /// Prints the rotation and says how the command ends. What did not end well is a problem as well, on standard error.
    func show(_ rotation: Rotation, waiting: Waiting = .untilDone) -> CommandExit {
        let isDone = isGood(rotation, waiting)
        guard isDone else {
            show(failed: rotation, ProblemDocument(rotation))
            return .failed
        }
        console.show(rotation) { console.done(Styled(rotation.outcome)) }
        rotation.warnings.forEach { console.warn($0) }
        if let nextStep = rotation.nextStep { console.hint(nextStep) }
        if rotation.state == "running" { console.hint("keyturn watch \(rotation.config)") }
        return .done
    }

    /// A problem that the daemon answered: its rotation goes to standard output, as any other, and it itself to standard error.
    func show(_ error: ClientError) throws(ClientError) -> CommandExit {
        guard case .problem(let problem) = error, let rotation = problem.rotation else { throw error }
        show(failed: rotation, problem)
        return Failure.client(error).exit
    }

    private func show(failed rotation: Rotation, _ problem: ProblemDocument) {
        if console.isJSON { console.json(rotation) }
        console.report(problem)
        rotation.warnings.forEach { console.warn($0) }
    }

    private func isGood(_ rotation: Rotation, _ waiting: Waiting) -> Bool {
        switch (rotation.state, waiting) {
        case ("succeeded", _), ("running", .no): true
        default: false
        }
    }
}

extension ProblemDocument {
    /// For a rotation that was answered without a problem, though it is not done.
    fileprivate init(_ rotation: Rotation) {
        self.init(
            type: Self.typePrefix + "rotation-\(rotation.state)", title: "The rotation has not succeeded", status: 200,
            detail: rotation.outcome, nextStep: rotation.nextStep, rotation: rotation)
    }
}
