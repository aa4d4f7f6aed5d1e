import Hummingbird
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Operations

extension Response {
    /// A backup, streamed. One that can't be finished ends with the connection, so that nobody takes it for whole.
    static func backup(_ run: BackupRun, _ context: APIContext) -> Response {
        let channel = context.connection.channel
        let (gone, stopping) = (context.gone, context.stopping)
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                let isWhole = await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        // Straight to the channel, since the body's writer can't be passed on; each piece waits for the one before it.
                        let written: Void? = try? await run.write {
                            try await channel.writeAndFlush(HTTPResponsePart.body(ByteBuffer(bytes: $0)))
                        }
                        return written != nil
                    }
                    group.addTask { await end(after: { await gone.wait() }) }
                    group.addTask { await end(after: { await stopping.wait() }) }
                    group.addTask { await end(after: { await run.timeIsUp() }) }
                    let isWhole = await group.next() ?? false
                    // A piece that nobody reads is waited for until the channel is closed.
                    if !isWhole { channel.close(promise: nil) }
                    group.cancelAll()
                    return isWhole
                }
                guard isWhole else { throw CallerWent() }
                try await writer.finish(nil)
            })
    }

    private static func end(after wait: @Sendable () async -> Void) async -> Bool {
        await wait()
        return false
    }
}
