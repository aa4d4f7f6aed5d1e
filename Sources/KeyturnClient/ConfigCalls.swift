package import KeyturnWire

/// Which configs a list is to have.
package struct ConfigFilter: Sendable {
    /// One of the states of a config.
    package var state: String?
    /// Only those that are due now.
    package var isDue: Bool

    package init(state: String? = nil, isDue: Bool = false) {
        self.state = state
        self.isDue = isDue
    }
}

/// What becomes of a removed config's record.
package enum ConfigRemoval: Sendable {
    /// Kept for 30 days.
    case recoverable
    /// Erased at once, keys included.
    case purged
}

/// Which versions a discard may take.
package enum DiscardReach: Sendable {
    case stagedOnly, previousToo
}

/// Calls about configs and their versions.
extension Daemon {
    package func configs(
        _ filter: ConfigFilter = ConfigFilter(), after: String? = nil, limit: Int? = nil
    ) async throws(ClientError) -> Reply<Page<Config>> {
        let query = [
            (name: "after", value: after), ("limit", limit.map(String.init)), ("state", filter.state), ("due", filter.isDue ? "true" : nil),
        ]
        return try await send(.get("v1", "configs", query: query), as: Page<Config>.self)
    }

    package func config(_ name: String) async throws(ClientError) -> Reply<Config> {
        try await send(.get("v1", "configs", name), as: Config.self)
    }

    package func putConfig(_ name: String, _ body: PutConfig, ifMatch etag: String? = nil) async throws(ClientError) -> Reply<Config> {
        try await send(.put("v1", "configs", name, body: body, ifMatch: etag), as: Config.self)
    }

    package func removeConfig(_ name: String, _ removal: ConfigRemoval = .recoverable) async throws(ClientError) {
        var request = Request.delete("v1", "configs", name)
        if removal == .purged { request.query = [("purge", "true")] }
        _ = try await sendForStatus(request)
    }

    package func undeleteConfig(_ name: String) async throws(ClientError) -> Reply<Config?> {
        try await send(.post("v1", "configs", name, "undelete", body: NoFields()), maybe: Config.self)
    }

    package func pause(_ name: String, _ body: PauseConfig) async throws(ClientError) -> Reply<Config?> {
        try await send(.post("v1", "configs", name, "pause", body: body), maybe: Config.self)
    }

    package func resume(_ name: String) async throws(ClientError) -> Reply<Config?> {
        try await send(.post("v1", "configs", name, "resume", body: NoFields()), maybe: Config.self)
    }

    package func stage(_ name: String, _ body: StageVersion) async throws(ClientError) -> Reply<Version> {
        try await send(.post("v1", "configs", name, "versions", body: body), as: Version.self)
    }

    package func discard(_ name: String, version: Int, _ reach: DiscardReach = .stagedOnly) async throws(ClientError) -> Reply<Version> {
        var request = Request.delete("v1", "configs", name, "versions", String(version))
        if reach == .previousToo { request.query = [("previous", "true")] }
        return try await send(request, as: Version.self)
    }
}
