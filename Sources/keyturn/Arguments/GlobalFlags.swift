import ArgumentParser

/// What every command takes, before or after its name.
struct GlobalFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The daemon's socket. (default: $KEYTURN_SOCKET, else the system's, else your own)", valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "One JSON document on standard output; errors as JSON on standard error. (also: KEYTURN_FORMAT=json)")
    var json = false

    @Flag(help: "Say nothing but what was asked for and what went wrong.")
    var quiet = false
}
