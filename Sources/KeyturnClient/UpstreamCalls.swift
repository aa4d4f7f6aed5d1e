package import KeyturnWire

/// Calls about upstreams.
extension Daemon {
    package func upstreams(after: String? = nil, limit: Int? = nil) async throws(ClientError) -> Reply<Page<Upstream>> {
        try await send(.get("v1", "upstreams", query: [("after", after), ("limit", limit.map(String.init))]), as: Page<Upstream>.self)
    }

    package func upstream(_ name: String) async throws(ClientError) -> Reply<Upstream> {
        try await send(.get("v1", "upstreams", name), as: Upstream.self)
    }

    package func putUpstream(_ name: String, _ body: PutUpstream, ifMatch etag: String? = nil) async throws(ClientError) -> Reply<Upstream>
    {
        try await send(.put("v1", "upstreams", name, body: body, ifMatch: etag), as: Upstream.self)
    }

    package func checkUpstream(_ name: String) async throws(ClientError) -> Reply<UpstreamCheck> {
        try await send(.post("v1", "upstreams", name, "check", body: NoFields()), as: UpstreamCheck.self)
    }

    package func removeUpstream(_ name: String) async throws(ClientError) {
        _ = try await sendForStatus(.delete("v1", "upstreams", name))
    }
}
