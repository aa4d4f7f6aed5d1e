package import KeyturnWire

/// Calls about the vault as a whole.
extension Daemon {
    package func health() async throws(ClientError) -> Reply<Health> {
        try await send(.get("healthz"), as: Health.self)
    }

    /// 503 and `sealed` while it is sealed.
    package func readiness() async throws(ClientError) -> Reply<Health> {
        var request = Request.get("readyz")
        request.goodStatuses = [200, 503]
        return try await send(request, as: Health.self)
    }

    /// The key to seal secrets to; refused with `untrusted` when the wrong process serves the socket.
    package func intakeKey() async throws(ClientError) -> Reply<IntakeKey> {
        var request = Request.get("v1", "intake-key")
        request.peer = .trusted
        return try await send(request, as: IntakeKey.self)
    }

    package func whoami() async throws(ClientError) -> Reply<Whoami> {
        try await send(.get("v1", "whoami"), as: Whoami.self)
    }

    /// `nil` as `uid`: about the caller itself.
    package func explainPolicy(
        right: String, config: String?, uid: UInt32?, gid: UInt32?, groups: [UInt32], unit: String?
    ) async throws(ClientError) -> Reply<PolicyExplanation> {
        let list = groups.isEmpty ? nil : groups.map(String.init).joined(separator: ",")
        return try await send(
            .get(
                "v1", "policy", "explain",
                query: [
                    ("right", right), ("config", config), ("uid", uid.map(String.init)), ("gid", gid.map(String.init)), ("groups", list),
                    ("unit", unit),
                ]), as: PolicyExplanation.self)
    }

    package func status() async throws(ClientError) -> Reply<Status> {
        try await send(.get("v1", "status"), as: Status.self)
    }

    package func seal() async throws(ClientError) -> Reply<SealState> {
        try await send(.post("v1", "seal", body: NoFields()), as: SealState.self)
    }

    /// With the root key in a box, or else with the key that the daemon finds by itself. All records are looked at before it answers.
    package func unseal(_ how: Unseal = Unseal()) async throws(ClientError) -> Reply<SealState> {
        var request = Request.post("v1", "unseal", body: how)
        request.patience = .endless
        return try await send(request, as: SealState.self)
    }
}
