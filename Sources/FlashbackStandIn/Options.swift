/// How a stand-in shows itself.
package struct Options: Sendable {
    /// 0 for any free one.
    package var port = 0
    package var certificate = CertificateKind.valid
    /// Bearer tokens that are accepted from the start.
    package var bearers: Set<String> = [defaultBearer]
    /// Refresh tokens that are accepted from the start.
    package var refreshTokens: Set<String> = [defaultRefreshToken]
    package var refreshField = RefreshField.either
    /// How long an access token that it hands out is good for; part of the token (`exp`), not enforced.
    package var tokenLifetime = Duration.seconds(3600)
    /// Whether the provider behind it takes a credential: what validate answers.
    package var providerAccepts: @Sendable (_ key: String?, _ secret: String?) -> Bool = { key, secret in
        (key != nil || secret != nil) && key?.hasPrefix("bad") != true && secret?.hasPrefix("bad") != true
    }
    /// Requests kept in `received`, oldest dropped first; 0 for benchmarks. They are counted in any case.
    package var receivedMax = 100_000
    package var threads = 1

    /// Like real ones they share no syllable with the words of a message, which would be masked.
    package static let defaultBearer = "Xk7wQz3vTn9dRb5h"
    package static let defaultRefreshToken = "Gm4yVc8sLp2jWf6u"

    package init() {}

    package enum CertificateKind: Sendable {
        case valid, expired, wrongName, selfSigned, plainHTTP
    }

    /// The published pages and the official client spell it differently.
    package enum RefreshField: Sendable {
        case camelCase, snakeCase, either
    }
}
