import FlashbackStandIn
import TestProcesses

/// Those who step in while a daemon is tortured: they do what was drawn, one deed after the other, and remember what they were granted.
struct Operators: Sendable {
    private let site: Site
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
        }
    }

    /// In the order in which it came about. `puts`: how many the backend had received by then.
    enum Memory: Sendable {
        case cancelled(rotation: String, puts: Int)
        /// Their requests may be granted from here on, whether or not they are answered.
        case asksToPause, asksToResume(puts: Int)
        case paused(puts: Int), resumed
    }

    init(at site: Site) { self.site = site }

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
        case .pause:
            memory.append(.asksToPause)
            try await site.granted("POST", "\(Self.config)/pause", [:])
            memory.append(.paused(puts: putsReceived))
        case .resume:
            memory.append(.asksToResume(puts: putsReceived))
            try await site.granted("POST", "\(Self.config)/resume", [:])
            memory.append(.resumed)
        }
    }

    private mutating func cancel(_ id: String) async throws {
        let reply = try await site.granted("POST", "/v1/rotations/\(id)/cancel", [:])
        // Any other state is what the vault was left at when it failed.
        if reply["state"].text == "cancelled" { memory.append(.cancelled(rotation: id, puts: putsReceived)) }
    }

    private func lastRotation() async throws -> String? {
        try await site.granted("GET", Self.config)["last_rotation"].text
    }

    private var putsReceived: Int { site.standIn.received(.put).count }

    private static let config = "/v1/configs/\(Site.config)"
}
