import KeyturnClient
import KeyturnWire
import Model

/// Whether each backend is there, is the one that it should be, and takes the token. The daemon looks.
struct UpstreamCheck {
    let daemon: Daemon

    /// As the shipped alert has it.
    private static let expiresSoon = Duration.seconds(3 * 86_400)

    func examine(_ status: Status, into diagnosis: inout Diagnosis) async {
        guard status.upstreams > 0 else {
            return diagnosis.note("There is no upstream yet: keyturn upstream set NAME --base-url URL --token-stdin")
        }
        let lost = Set(status.bearersLost.map(\.upstream))
        var after: String?
        repeat {
            do throws(ClientError) {
                let page = try await daemon.upstreams(after: after, limit: 1000).body
                for upstream in page.items {
                    if !lost.contains(upstream.name) { examineToken(upstream, &diagnosis) }
                    try await look(at: upstream, &diagnosis)
                }
                after = page.next
            } catch {
                return diagnosis.couldNotSee(
                    "the upstreams", Self.isDenied(error) ? "it takes the right 'bind': keyturn whoami" : error.detail)
            }
        } while after != nil
    }

    private static func isDenied(_ error: ClientError) -> Bool {
        if case .problem(let problem) = error { problem.code == "not-allowed" } else { false }
    }

    private func examineToken(_ upstream: Upstream, _ diagnosis: inout Diagnosis) {
        let step = Self.newToken(upstream)
        guard upstream.bearer != "none" else {
            return diagnosis.found("no-token", "The upstream \(upstream.name) has no token: nothing can be rotated there.", step)
        }
        // A refresh token brings the next one by itself.
        guard upstream.bearer == "access-token", let text = upstream.tokenExpiresAt, let expiry = try? Timestamp(text) else { return }
        if expiry <= .now {
            diagnosis.found("token-expired", "The token of the upstream \(upstream.name) expired at \(text).", step)
        } else if expiry <= .now + Self.expiresSoon {
            diagnosis.found("token-expires-soon", "The token of the upstream \(upstream.name) expires at \(text).", step)
        }
    }

    private func look(at upstream: Upstream, _ diagnosis: inout Diagnosis) async throws(ClientError) {
        let check = try await daemon.checkUpstream(upstream.name).body
        let reason = check.reason ?? check.outcome
        let place = "The upstream \(upstream.name) (\(upstream.baseURL))"
        switch check.outcome {
        case "unreachable":
            diagnosis.found("upstream-unreachable", "\(place) can't be reached: \(reason).", "keyturn upstream show \(upstream.name)")
        case "untrusted":
            diagnosis.found(
                "certificate-untrusted",
                "\(place) is not to be trusted: \(reason). Look whether its certificate has expired or is another than its CA or pin; give the right ones by --ca-file or --pin.",
                "keyturn upstream show \(upstream.name)")
        case "unauthorized" where !diagnosis.has("token-expired"):
            diagnosis.found("token-refused", "\(place) does not take the token: \(reason).", Self.newToken(upstream))
        default: break
        }
        if let ahead = check.clockAheadSeconds, abs(ahead) > DaemonCheck.clockSecondsMax {
            diagnosis.found(
                "clock-off",
                "The clock of this machine is \(TimeSpan(.seconds(abs(ahead)))) \(ahead > 0 ? "ahead of" : "behind") that of the upstream \(upstream.name).",
                "timedatectl")
        }
    }

    private static func newToken(_ upstream: Upstream) -> String {
        "keyturn upstream set \(upstream.name) \(upstream.bearer == "refresh-token" ? "--refresh-token-stdin" : "--token-stdin")"
    }
}
