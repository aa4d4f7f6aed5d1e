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
    /// A refresh was begun and its outcome is not known: the refresh token may be used up.
    package var isRefreshOpen = false
    /// When the backend last took the bearer, to the hour.
    package var lastSuccessAt: Timestamp?
    /// Configs bound to it, removed ones included while they can come back.
    package var configs = 0
    package let createdAt: Timestamp

    package enum BearerKind: String, Sendable, Codable {
        case none
        case accessToken = "access-token"
        case refreshToken = "refresh-token"
    }
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
