package import Access
package import Model
package import Rotations
import Secrets

/// What a look at an upstream's backend came to.
package struct UpstreamCheck: Sendable {
    package let sight: UpstreamSight.Answer
    /// False where there is none at hand, or one that a refresh would replace first.
    package let triedBearer: Bool
    /// How far this machine's clock is ahead of the backend's, as far as that one tells; less than nothing where it is behind.
    package let clockAhead: Duration?
}

extension VaultService {
    /// Sends one request to the backend; writes nothing, and refreshes no token.
    package func checkUpstream(_ name: UpstreamName, as caller: Caller) async throws -> UpstreamCheck {
        try caller.require(.bind, on: .everything)
        let record = try await read { try $0.upstream(name) }
        let isStale = record.bearer == .refreshToken && record.tokenExpiresAt.map { $0 < clock.now() } ?? false
        let bearer = isStale ? nil : try await bearers.bearerAtHand(of: record.address)
        let sight = await look(at: record.address, bearer)
        return UpstreamCheck(sight: sight.answer, triedBearer: bearer != nil, clockAhead: sight.time.map { clock.now() - $0 })
    }

    private func look(at address: UpstreamAddress, _ bearer: Bearer?) async -> UpstreamSight {
        guard let bearer else { return await targets.look(at: address, bearer: nil) }
        return await targets.look(at: address, bearer: bearer.token.secret.clone())
    }
}
