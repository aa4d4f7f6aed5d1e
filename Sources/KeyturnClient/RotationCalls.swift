package import KeyturnWire

/// What a caller can start on a config.
package enum RotationAct: String, Sendable {
    case rotate, rollback, prove
}

/// Whether to wait until it has ended.
package enum Waiting: Sendable {
    case untilDone
    /// `Prefer: respond-async` (RFC 7240): answered as soon as it is journalled.
    case no
}

/// What the daemon says to `rotate`.
package enum RotationAnswer: Sendable, Equatable, Decodable {
    case rotation(Rotation)
    case notDue(NotDue)
    case dryRun(DryRun)

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Distinctive.self)
        if fields.contains(.id) {
            self = .rotation(try Rotation(from: decoder))
        } else if fields.contains(.steps) {
            self = .dryRun(try DryRun(from: decoder))
        } else {
            self = .notDue(try NotDue(from: decoder))
        }
    }

    private enum Distinctive: String, CodingKey {
        case id, steps
    }
}

/// Calls about rotations.
extension Daemon {
    /// Waits without a limit of its own: the daemon has one.
    package func start(
        _ act: RotationAct, of config: String, _ body: Rotate, waiting: Waiting = .untilDone, idempotencyKey: String? = nil
    ) async throws(ClientError) -> Reply<RotationAnswer> {
        var request = Request.post("v1", "configs", config, act.rawValue, body: body)
        if let idempotencyKey { request.headers.append(("Idempotency-Key", idempotencyKey)) }
        switch waiting {
        case .untilDone: request.patience = .endless
        case .no: request.headers.append(("Prefer", "respond-async"))
        }
        return try await send(request, as: RotationAnswer.self)
    }

    package func patchRemote(_ config: String, _ body: PatchRemote) async throws(ClientError) -> Reply<Rotation> {
        var request = Request(method: .patch, path: ["v1", "configs", config, "remote"], body: WireJSON.encode(body))
        request.patience = .endless
        return try await send(request, as: Rotation.self)
    }

    package func rotations(
        of config: String? = nil, after: String? = nil, limit: Int? = nil
    ) async throws(ClientError) -> Reply<Page<Rotation>> {
        let query = [(name: "config", value: config), ("after", after), ("limit", limit.map(String.init))]
        return try await send(.get("v1", "rotations", query: query), as: Page<Rotation>.self)
    }

    package func rotation(_ id: String) async throws(ClientError) -> Reply<Rotation> {
        try await send(.get("v1", "rotations", id), as: Rotation.self)
    }

    package func cancel(_ rotation: String) async throws(ClientError) -> Reply<Rotation> {
        try await send(.post("v1", "rotations", rotation, "cancel", body: NoFields()), as: Rotation.self)
    }

    package func resolve(_ rotation: String, _ body: Resolve) async throws(ClientError) -> Reply<Rotation> {
        var request = Request.post("v1", "rotations", rotation, "resolve", body: body)
        request.patience = .endless
        return try await send(request, as: Rotation.self)
    }
}
