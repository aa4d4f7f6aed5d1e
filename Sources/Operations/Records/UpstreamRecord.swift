package import Model
package import Secrets
package import Vault

/// A Flashback backend as it is stored, without its bearer.
package struct UpstreamRecord: Sendable, Codable, Equatable {
    package let name: UpstreamName
    package var address: UpstreamAddress
    package var allowsPlainHTTP: Bool
    package var bearer = BearerKind.none
    /// Grows with each change of the bearer.
    package var bearerGeneration = 0
    /// The vault's quarantine in which the bearer was given.
    package var bearerQuarantine: String?
    /// False while only a refresh token is there.
    package var hasAccessToken = false
    package var tokenExpiresAt: Timestamp?
    /// Why it has no bearer any more, or one that the backend refuses.
    package var bearerLoss: BearerLoss?
    /// A refresh was begun and its outcome is not known: the refresh token may be used up.
    package var isRefreshOpen = false
    /// When the backend last took the bearer, to the hour.
    package var lastSuccessAt: Timestamp?
    /// Configs bound to it, removed ones included while they can come back.
    package var configs = 0
    package let createdAt: Timestamp

    package struct BearerLoss: Sendable, Codable, Equatable {
        /// A sentence fragment of ours, without foreign text.
        package let reason: String
        package let at: Timestamp
    }

    package enum BearerKind: String, Sendable, Codable {
        case none
        case accessToken = "access-token"
        case refreshToken = "refresh-token"
    }
}

extension UpstreamRecord {
    package var wayToBearer: String { NextStep.setToken(name) }
}

extension RecordKind where Value == UpstreamRecord {
    static let upstream = RecordKind(tag: 0x12, name: "upstream")
}

extension RecordKind where Value == Secret {
    /// By upstream.
    static let accessToken = RecordKind(tag: 0x13, name: "access token")
    static let refreshToken = RecordKind(tag: 0x1C, name: "refresh token")
    /// By config and version.
    package static let credential = RecordKind(tag: 0x14, name: "credential")
}
