internal import Model
internal import Secrets

/// [client] The access token is a JWT (RFC 7519), whose `exp` is to be trusted over `expiresAt`.
enum AccessToken {
    static func expiry(_ token: borrowing Secret) -> Timestamp? {
        JSONWebToken.expirySeconds(token).map { Timestamp(milliseconds: $0 * 1000) }
    }
}

/// `expiresAt` has no documented unit: seconds, milliseconds or RFC 3339 text, whichever gives a time that makes sense for a token.
enum ExpiresAt {
    private static let plausible = Duration.seconds(400 * 86_400)

    static func timestamp(_ json: GuardedJSON, now: Timestamp) -> Timestamp? {
        if let number = json.number("expiresAt") {
            let candidates = [number.multipliedReportingOverflow(by: 1000), (number, false)]
            return candidates.filter { !$0.1 }.map { Timestamp(milliseconds: $0.0) }.first { isPlausible($0, now) }
        }
        return json.text("expiresAt").flatMap { try? Timestamp($0) }.flatMap { isPlausible($0, now) ? $0 : nil }
    }

    private static func isPlausible(_ time: Timestamp, _ now: Timestamp) -> Bool {
        time >= now && time <= now + plausible
    }
}
