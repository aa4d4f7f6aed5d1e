import Access
import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations
import Rotations
import Vault

extension Routes {
    /// What happens to the configs that the caller may see, as server-sent events. Durable ones carry the audit log's number as their id,
    /// from which `Last-Event-ID` goes on, also after a restart.
    func watch(_ request: Request, _ context: APIContext) async throws -> Response {
        let config = try QueryParameters(request, known: ["config"])["config"].map { (text) throws(Problem) in
            try parsed("config", text) { (text) throws(InvalidValue) in try ConfigName(text) }
        }
        if let config { _ = try await service.config(config, as: context.caller) }
        let last = try request.single(Self.lastEventID).map { (text) throws(Problem) in
            guard let seq = Int64(text), seq >= 0 else { throw .badField("Last-Event-ID", InvalidValue("an id of an earlier event")) }
            return seq
        }
        guard let seat = context.connection.shares.takeStream(of: context.caller.uid) else { throw Problem.tooManyStreams }
        return Response.events(EventFeed(routes: self, config: config, caller: context.caller.identity, after: last, seat: seat), context)
    }

    private static let lastEventID = HTTPField.Name("Last-Event-ID")!
}

/// First what was missed, out of the audit log, then what happens. Reads on only as fast as the caller does.
private struct EventFeed: AsyncSequence, Sendable {
    let routes: Routes
    let config: ConfigName?
    let caller: CallerIdentity
    let after: Int64?
    /// Held for as long as the stream lasts.
    let seat: CallerShares.Seat

    func makeAsyncIterator() -> Iterator {
        // Listening begins before the replay, so that nothing falls between them.
        Iterator(feed: self, live: routes.events.watch().makeAsyncIterator(), seen: after ?? 0, isReplaying: after != nil)
    }

    struct Iterator: AsyncIteratorProtocol {
        let feed: EventFeed
        var live: AsyncStream<EventHub.Event>.Iterator
        var seen: Int64
        var isReplaying: Bool
        var replayed: [ServerSentEvent] = []

        private static let replayPage = 256

        mutating func next() async throws -> ServerSentEvent? {
            while isReplaying, replayed.isEmpty { try await replay() }
            if !replayed.isEmpty { return replayed.removeFirst() }
            while let event = await live.next() {
                switch event {
                case .recorded(let entry):
                    guard entry.seq > seen else { continue }
                    seen = entry.seq
                    if let event = feed.event(RotationEvent(entry), id: entry.seq) { return event }
                case .step(let rotation, let step):
                    if let event = feed.event(RotationEvent(rotation, step, at: feed.routes.clock.now()), id: nil) { return event }
                }
            }
            return nil
        }

        private mutating func replay() async throws {
            let entries = try await feed.routes.service.events(after: seen, limit: Self.replayPage)
            replayed = entries.compactMap { feed.event(RotationEvent($0), id: $0.seq) }
            seen = entries.last?.seq ?? seen
            isReplaying = entries.count == Self.replayPage
        }
    }

    private func mayRead(_ config: ConfigName) -> Bool {
        Caller(caller, under: routes.policy.current).may(.read, on: .config(config))
    }

    private func event(_ event: RotationEvent?, id: Int64?) -> ServerSentEvent? {
        guard let event, let name = try? ConfigName(event.config), config == nil || config == name, mayRead(name)
        else {
            return nil
        }
        return ServerSentEvent(id: id.map(String.init), event: event.event, data: String(decoding: WireJSON.encode(event), as: UTF8.self))
    }
}
