import FlashbackStandIn
import Foundation
import TestProcesses

/// Those who step in while a daemon is tortured: they do what was drawn, one deed after the other, and remember what they were granted.
struct Operators: Sendable {
    private let site: Site
    private let clock: DaemonClock
    private(set) var memory: [Memory] = []

    /// After a while.
    struct Deed: Sendable {
        let delay: Duration
        let kind: Kind

        enum Kind: Sendable {
            case cancel
            /// What they have just begun themselves, or joined: before its first PUT, or in a race with it.
            case beginAndCancel
            /// One that is stuck.
            case retry
            case pause, resume
            /// Ends by itself, at the next full second after this.
            case pauseFor(Duration)
            case rollback
            /// The next key that is staged, or else the one before the current one.
            case discard
            /// One that the backend takes.
            case giveToken(isRefresh: Bool)

            /// Whether it is refused while a rotation is under way.
            var wantsRest: Bool {
                switch self {
                case .rollback, .discard: true
                case .cancel, .beginAndCancel, .retry, .pause, .resume, .pauseFor, .giveToken: false
                }
            }
        }
    }

    /// In the order in which it came about. `puts`: how many the backend had received by then.
    enum Memory: Sendable {
        case cancelled(rotation: String, puts: Int)
        /// Their requests may be granted from here on, whether or not they are answered.
        case asksToPause(puts: Int, PauseEnd?), asksToResume(puts: Int)
        case paused(puts: Int, PauseEnd?), resumed
        /// By a request that was answered at this time.
        case begunWhilePaused(rotation: String, PauseEnd?, answered: ContinuousClock.Instant)
        case asksToDiscard(Int), discarded(Int, puts: Int)
    }

    /// When a pause is over.
    struct PauseEnd: Sendable {
        /// By the daemon's wall clock.
        let text: String
        let askedAt: ContinuousClock.Instant
        let at: ContinuousClock.Instant
    }

    init(at site: Site, _ clock: DaemonClock) {
        self.site = site
        self.clock = clock
    }

    mutating func perform(_ deeds: [Deed]) async {
        for deed in deeds {
            try? await Task.sleep(for: deed.delay)
            // Whether any of it is granted is open: the daemon may die at any point of it.
            try? await perform(deed.kind)
        }
    }

    private mutating func perform(_ kind: Deed.Kind) async throws {
        switch kind {
        case .cancel: if let id = try await lastRotation() { try await cancel(id) }
        case .beginAndCancel:
            let begun = try await site.call("POST", Site.rotate, [:], headers: ["Prefer: respond-async"])
            if let id = try begun.document["id"].text { try await cancel(id) }
        case .retry:
            guard let id = try await lastRotation() else { return }
            _ = try await site.call("POST", "/v1/rotations/\(id)/resolve", ["how": "retry"])
        case .pause: try await pause([:], until: nil)
        case .pauseFor(let duration):
            let end = clock.nextFullSecond(after: duration)
            try await pause(["until": end.text], until: end)
        case .rollback:
            try await whenAtRest { try await site.call("POST", "\(Self.config)/rollback", [:], headers: ["Prefer: respond-async"]) }
        case .discard: try await discard()
        case .giveToken(let isRefresh): try await site.giveToken(isRefresh: isRefresh)
        case .resume:
            memory.append(.asksToResume(puts: putsReceived))
            try await site.granted("POST", "\(Self.config)/resume", [:])
            memory.append(.resumed)
        }
    }

    private mutating func pause(_ fields: [String: String], until end: PauseEnd?) async throws {
        memory.append(.asksToPause(puts: putsReceived, end))
        try await site.granted("POST", "\(Self.config)/pause", fields)
        memory.append(.paused(puts: putsReceived, end))
        let last = try await lastRotation()
        let begun = try await site.call("POST", Site.rotate, [:], headers: ["Prefer: respond-async"])
        guard (200..<300).contains(begun.status), let id = try begun.document["id"].text, id != last else { return }
        memory.append(.begunWhilePaused(rotation: id, end, answered: .now))
    }

    private mutating func discard() async throws {
        let versions = try await site.granted("GET", Self.config)["versions"].items
        let chosen = versions.last { $0["state"].text == "staged" } ?? versions.last { $0["state"].text == "previous" }
        guard let number = chosen?["version"].number else { return }
        memory.append(.asksToDiscard(number))
        try await whenAtRest { try await site.call("DELETE", "\(Self.config)/versions/\(number)?previous=true") }
        memory.append(.discarded(number, puts: putsReceived))
    }

    private mutating func cancel(_ id: String) async throws {
        let reply = try await site.granted("POST", "/v1/rotations/\(id)/cancel", [:])
        // Any other state is what the vault was left at when it failed.
        if reply["state"].text == "cancelled" { memory.append(.cancelled(rotation: id, puts: putsReceived)) }
    }

    /// Again and again for a while, as long as a rotation is in the way.
    private func whenAtRest(_ request: () async throws -> RawCall.Reply) async throws {
        for _ in 1...30 {
            let reply = try await request()
            if (200..<300).contains(reply.status) { return }
            guard try reply.document["type"].text == "urn:keyturn:problem:rotation-in-progress" else { throw Site.Refused(reply: reply) }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw CancellationError()
    }

    private func lastRotation() async throws -> String? {
        try await site.granted("GET", Self.config)["last_rotation"].text
    }

    private var putsReceived: Int { site.standIn.received(.put).count }

    private static let config = "/v1/configs/\(Site.config)"
}
