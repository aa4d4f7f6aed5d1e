import FakeDaemon
import Synchronization

@testable import keyturn

/// What a command printed, and how it ended.
struct Ran: Sendable {
    let status: CommandExit
    let output: String
    let errors: String
}

/// Runs a command line as the executable does, against a fake daemon or none.
func keyturn(_ arguments: String..., at socket: String = "/nonexistent/s", environment: [String: String] = [:]) async -> Ran {
    let (output, errors) = (Collected(), Collected())
    let surroundings = Surroundings(
        environment: environment.merging(["KEYTURN_SOCKET": socket]) { given, _ in given }, output: output.sink, errors: errors.sink)
    let status = await Entry.run(arguments, in: surroundings)
    return Ran(status: status, output: output.text, errors: errors.text)
}

private final class Collected: Sendable {
    private let pieces = Mutex("")

    var text: String { pieces.withLock { $0 } }

    var sink: Sink {
        Sink(isTerminal: false) { piece in self.pieces.withLock { $0 += piece } }
    }
}

func problem(_ code: String, _ status: Int, detail: String = "It is so.", rotation: String = "null") -> FakeDaemon.Reply {
    .json(
        status,
        #"{"type":"urn:keyturn:problem:\#(code)","title":"t","status":\#(status),"detail":"\#(detail)","next_step":"keyturn versions a","rotation":\#(rotation)}"#
    )
}

func rotation(_ state: String, config: String = "a", warnings: String = "") -> String {
    """
    {"id":"01JDG0000000000000000000AA","config":"\(config)","kind":"rotate","state":"\(state)","step":"done","rotated":\(state == "succeeded"),\
    "version":2,"attempts":1,"cycles_used":0,"cycles_max":10,"proof":"proven","warnings":[\(warnings)],"requested_by":{"uid":0},"started_at":"2026-11-24T00:00:00Z"}
    """
}

func config(_ name: String, on upstream: String = "fb", more: String = "") -> String {
    """
    {"name":"\(name)","upstream":"\(upstream)","remote_id":"r1","ai_type":"OPENAI","field":"secret","state":"ok","grace_seconds":3600,"prove":false,\
    "paused":false,"staged_versions":0,"versions":[],"created_at":"2026-11-24T00:00:00Z"\(more)}
    """
}
