import HTTPTypes
package import Hummingbird
import NIOCore
import NIOHTTPTypes

/// One server-sent event, as the HTML standard's section 9.2 frames it.
package struct ServerSentEvent: Sendable, Equatable {
    /// What `Last-Event-ID` takes up from; `nil` for what is not replayed.
    package let id: String?
    package let event: String?
    package let data: String

    package init(id: String? = nil, event: String? = nil, data: String) {
        self.id = id
        self.event = event
        self.data = data
    }

    /// A line break within a field would end it, so that data is cut into lines and the others are ours, without any.
    var text: String {
        var lines: [String] = []
        if let id { lines.append("id: \(id)") }
        if let event { lines.append("event: \(event)") }
        lines += data.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { "data: \($0)" }
        return lines.joined(separator: "\n") + "\n\n"
    }
}

extension Response {
    /// A stream of events, until it ends by itself, the caller goes or the daemon stops. A caller that does not read is cut off.
    package static func events<Events: AsyncSequence & Sendable>(_ events: Events, _ context: APIContext) -> Response
    where Events.Element == ServerSentEvent {
        let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        let channel = context.connection.channel
        let stream = EventStream(channel: channel, heartbeat: context.limits.heartbeat)
        let (gone, stopping) = (context.gone, context.stopping)
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await stream.write(events) }
                    group.addTask { await stream.beat() }
                    group.addTask { await gone.wait() }
                    group.addTask { await stopping.wait() }
                    await group.next()
                    group.cancelAll()
                }
                try await writer.finish(nil)
            })
    }
}

/// Writes straight to the channel, since the body's writer can't be shared by two tasks. Each event and each heartbeat is one write, so they don't mix.
private struct EventStream: Sendable {
    let channel: any Channel
    let heartbeat: Duration

    func write<Events: AsyncSequence>(_ events: Events) async where Events.Element == ServerSentEvent {
        do {
            for try await event in events { try await write(event.text) }
        } catch {
            // The source broke or the caller went: either way the stream is over, and the caller may take it up again.
        }
    }

    /// A comment now and then. Whoever left the last 64 KiB unread by the next one does not read at all.
    func beat() async {
        do {
            try await write(": connected\n\n")
            while true {
                try await Task.sleep(for: heartbeat)
                guard channel.isWritable else { return channel.close(promise: nil) }
                try await write(": still here\n\n")
            }
        } catch {
            // Cancelled, or the caller went.
        }
    }

    private func write(_ text: String) async throws {
        try await channel.writeAndFlush(HTTPResponsePart.body(ByteBuffer(string: text)))
    }
}
