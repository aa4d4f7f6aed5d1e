internal import Model
internal import Outbound
internal import Rotations
internal import Secrets

extension RefreshAnswer {
    /// The one reply that holds secrets: it is read in guarded memory only.
    init(_ outcome: Outcome, token: borrowing Secret, now: Timestamp) {
        switch outcome {
        case .failure(let failure): self = failure.wasSent ? .unknown(Reason(failure)) : .notSent(Reason(failure))
        case .response(let response) where response.status == 200: self = Self.read(response.body, token, now)
        case .response(let response):
            guard case .answered(let status, _, let reason, _) = Reply(outcome, now: now, hide: { $0.hide(token) }) else {
                self = .unknown(Reason(StatusWords.of(response.status)))
                return
            }
            self = StatusWords.isUncertain(status) ? .unknown(reason) : .refused(reason)
        }
    }

    private static func read(_ body: ReplyBody, _ token: borrowing Secret, _ now: Timestamp) -> RefreshAnswer {
        guard let json = body.withBytes({ try? GuardedJSON.object(in: $0) }) else {
            return .unknown(Reason("the backend answered 200 with something that is not its JSON"))
        }
        guard json.bool("success") != false else {
            return .refused(Reason("the backend answered success: false", backendMessage: message(body, json, token)))
        }
        // [client] also takes `token` for the access token.
        switch json.filled("accessToken") ?? json.filled("token") {
        case .some(let access):
            let expiry = AccessToken.expiry(access) ?? ExpiresAt.timestamp(json, now: now)
            let refresh = json.filled("refreshToken") ?? json.filled("refresh_token")
            return .refreshed(RefreshedTokens(access: access, refresh: refresh, expiresAt: expiry))
        case .none: return .unknown(Reason("the backend answered 200 without an access token"))
        }
    }

    /// A refusal may hold tokens all the same.
    private static func message(_ body: ReplyBody, _ json: GuardedJSON, _ token: borrowing Secret) -> String? {
        body.withBytes { text -> String? in
            guard let outline = try? JSONOutline(of: text) else { return nil }
            return Message.scrubbed(outline, text) { scrubber in
                scrubber.hide(token)
                for field in ["accessToken", "token", "refreshToken", "refresh_token"] {
                    switch json.filled(field) {
                    case .some(let secret): scrubber.hide(secret)
                    case .none: break
                    }
                }
            }
        }
    }
}

extension GuardedJSON {
    /// An empty token is none.
    fileprivate func filled(_ field: String) -> Secret? {
        switch secret(field) {
        case .some(let secret):
            guard secret.count > 0 else { return nil }
            return secret
        case .none: return nil
        }
    }
}
