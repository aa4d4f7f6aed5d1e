package import Model
import Rotations
import Vault

/// What can be measured of the vault at this moment. Holds names, times and numbers alone, since it is kept for ten thousand configs while
/// somebody reads it.
package struct VaultFigures: Sendable {
    package var isSealed = true
    package var configs: [Config] = []
    package var upstreams: [Upstream] = []
    package var lastBackupAt: Timestamp?

    package struct Config: Sendable {
        package let name: ConfigName
        package let upstream: UpstreamName
        package let aiType: AIType
        package let state: ConfigState
        package let lastSuccessAt: Timestamp?
        package let dueAt: Timestamp?
        package let currentCreatedAt: Timestamp?
        package let staged: Int
    }

    package struct Upstream: Sendable {
        package let name: UpstreamName
        /// When somebody has to have given it another token; `nil` where it renews its own, or does not tell.
        package let tokenExpiresAt: Timestamp?
    }
}

extension VaultService {
    /// Whoever else wants the vault's thread has a turn between two pages.
    private static let figuresPage = 64

    /// For the metrics; a sealed vault tells nothing but that. Whether the caller may know is up to who calls.
    package func figures() async throws -> VaultFigures {
        var figures = VaultFigures()
        guard await vault.sealedBecause == nil else { return figures }
        figures.isSealed = false
        let now = clock.now()
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try await read { view in
                let quarantine = try view.vaultState().quarantine
                let stored = try view.list(.config, after: from, limit: Self.figuresPage)
                let configs = try stored.filter { $0.value.removedAt == nil }.map { stored in
                    let condition = try view.condition(of: stored.value, quarantine, at: now, overdueAfter: limits.overdueAfter)
                    return VaultFigures.Config(stored.value, condition.0)
                }
                return (configs, cursor: stored.last?.cursor)
            }
            figures.configs += page.0
            cursor = page.cursor
        } while cursor != nil
        let (upstreams, backup) = try await read { view in
            (
                try view.list(.upstream, limit: 1000).map { VaultFigures.Upstream($0.value) },
                try view.get(.backup, .named(""))?.at
            )
        }
        figures.upstreams = upstreams
        figures.lastBackupAt = backup
        return figures
    }
}

extension VaultFigures.Upstream {
    fileprivate init(_ record: UpstreamRecord) {
        let ownTokenEnds =
            switch record.bearer {
            case .accessToken: record.tokenExpiresAt
            case .none, .refreshToken: Timestamp?.none
            }
        // What the backend refuses is over, whatever was said of it before.
        self.init(name: record.name, tokenExpiresAt: [ownTokenEnds, record.bearerLoss?.at].compactMap(\.self).min())
    }
}

extension VaultFigures.Config {
    fileprivate init(_ record: ConfigRecord, _ state: ConfigState) {
        self.init(
            name: record.name, upstream: record.binding.upstream, aiType: record.binding.aiType, state: state,
            lastSuccessAt: record.lastSuccessAt, dueAt: record.dueAt, currentCreatedAt: record.version(.current)?.createdAt,
            staged: record.versions.count { $0.state == .staged })
    }
}
