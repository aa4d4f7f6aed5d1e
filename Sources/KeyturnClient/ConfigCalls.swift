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
        let query = [(name: "purge", value: removal == .purged ? "true" : nil)]
        _ = try await sendForStatus(.delete("v1", "configs", name, query: query))
    }

    package func undeleteConfig(_ name: String) async throws(ClientError) -> Reply<Config?> {
        try await send(.post("v1", "configs", name, "undelete", body: NoFields()), maybe: Config.self)
    }

    /// Takes a config out of quarantine.
    package func release(_ name: String) async throws(ClientError) -> Reply<Config?> {
        try await send(.post("v1", "configs", name, "release", body: NoFields()), maybe: Config.self)
    }

    /// Ends the vault's quarantine.
    package func releaseAll() async throws(ClientError) {
        _ = try await sendForStatus(.post("v1", "release", body: NoFields()))
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

    package func discard(_ name: String, version: Int, previousToo: Bool) async throws(ClientError) -> Reply<Version> {
        let query = [(name: "previous", value: previousToo ? "true" : nil)]
        return try await send(.delete("v1", "configs", name, "versions", String(version), query: query), as: Version.self)
    }
}
