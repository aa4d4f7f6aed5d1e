import ArgumentParser

/// What the commands share that start a rotation.
struct RotationFlags: ParsableArguments {
    @Flag(help: "Don't wait until it has ended.") var noWait = false

    @Option(help: ArgumentHelp("Why; kept in the history.", valueName: "text"))
    var reason: String?

    @Option(help: ArgumentHelp("A repeated request with the same key gets the same rotation back, for 24 h.", valueName: "key"))
    var idempotencyKey: String?
}
