internal import FoundationEssentials
package import Model
package import Outbound
package import Rotations
package import Secrets
internal import Synchronization

/// Makes targets for upstreams, and keeps what they share between calls: connections, TLS contexts, the backend's list.
package final class FlashbackBackend: TargetProvider {
    private let limits: InForce<Limits>
    private let now: @Sendable () -> Timestamp
    private let onRequest: @Sendable (RequestReport) -> Void
    private let contexts = TLSContexts()
    private let upstreams = Mutex<[Key: Upstream]>([:])

    /// An upstream whatever it is called: what it is bound to by a rotation may outlive a change of its settings.
    private struct Key: Hashable {
        let baseURL: BaseURL
        let caPEM: String?
        let pinSHA256: String?
        let workspaceID: String?
    }

    /// Far more than anybody configures; addresses that changed must not pile up.
    private static let upstreamsMax = 256

    /// `now` is needed for `Retry-After` dates and for judging the expiry of tokens only. `onRequest` hears of each request that was made; it
    /// must not block.
    package init(
        limits: InForce<Limits> = InForce(Limits()), now: @escaping @Sendable () -> Timestamp = { Timestamp(Date()) },
        onRequest: @escaping @Sendable (RequestReport) -> Void = { _ in }
    ) {
        self.limits = limits
        self.now = now
        self.onRequest = onRequest
    }

    package func target(at address: UpstreamAddress) -> any RotationTarget {
        target(upstream(at: address), address.name)
    }

    package func look(at address: UpstreamAddress, bearer: borrowing Secret?) async -> UpstreamSight {
        let upstream = upstream(at: address)
        guard let client = upstream.client else { return UpstreamSight(.untrusted(Reason(Upstream.noTrust))) }
        return await SightRequest(client: client, workspaceID: upstream.workspaceID).send(bearer: bearer)
    }

    private func upstream(at address: UpstreamAddress) -> Upstream {
        let key = Key(baseURL: address.baseURL, caPEM: address.caPEM, pinSHA256: address.pinSHA256, workspaceID: address.workspaceID)
        return upstreams.withLock { upstreams in
            let limits = limits.current
            if let known = upstreams[key], known.client == nil || known.client?.limits == limits {
                return known
            }
            let made = Upstream(client: client(for: address, limits), workspaceID: address.workspaceID)
            if upstreams.count >= Self.upstreamsMax { upstreams.removeAll() }
            upstreams[key] = made
            return made
        }
    }

    private func target(_ upstream: Upstream, _ name: UpstreamName) -> FlashbackTarget {
        FlashbackTarget(upstream: upstream, reporter: RequestReporter(upstream: name, tell: onRequest), now: now)
    }

    /// A stored address was checked when it was stored; should it be unreadable all the same, every call says so.
    private func client(for address: UpstreamAddress, _ limits: Limits) -> HTTPClient? {
        guard let trust = try? Trust(caPEM: address.caPEM, pinSHA256: address.pinSHA256) else { return nil }
        return HTTPClient(baseURL: address.baseURL, trust: trust, contexts: contexts, limits: limits)
    }
}

/// What all targets of one upstream share.
final class Upstream: Sendable {
    let client: HTTPClient?
    let listing: SharedListing
    let workspaceID: String?

    init(client: HTTPClient?, workspaceID: String?) {
        self.client = client
        self.workspaceID = workspaceID
        listing = SharedListing()
    }

    static let noTrust = Failure(.tlsFailed, "the certificates to trust can't be read", wasSent: false)
}
