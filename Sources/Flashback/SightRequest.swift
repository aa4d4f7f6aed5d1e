internal import Outbound
internal import Rotations
internal import Secrets

/// `GET /ai/llm` for nothing but to see whether the backend is there and takes the bearer.
struct SightRequest {
    let client: HTTPClient
    let workspaceID: String?

    func send(bearer: borrowing Secret?) async -> UpstreamSight {
        let request = ListRequest.request(workspaceID: workspaceID)
        let outcome: Outcome
        let isTried: Bool
        switch bearer {
        case .some(let bearer): (outcome, isTried) = (await client.stream(request, bearer: bearer) { _ in true }, true)
        case .none: (outcome, isTried) = (await client.send(request), false)
        }
        switch outcome {
        case .failure(let failure): return UpstreamSight(Self.answer(to: failure))
        case .response(let response):
            return UpstreamSight(Self.answer(to: response, isTried), time: response.date.flatMap(HTTPDate.timestamp))
        }
    }

    private static func answer(to failure: Failure) -> UpstreamSight.Answer {
        switch failure.kind {
        case .tlsFailed: .untrusted(Reason(failure))
        case .unsendable: .unauthorized(Reason(failure))
        // More than was asked for, but it is there.
        case .overlong: .well
        case .connectFailed, .timedOut, .reset, .garbage, .cancelled, .busy: .unreachable(Reason(failure))
        }
    }

    /// A backend without a list answers 404 or 405, one whose tokens may not list 403: all of them are there.
    private static func answer(to response: Response, _ isTried: Bool) -> UpstreamSight.Answer {
        let reason = Reason(StatusWords.of(response.status))
        return switch response.status {
        case 401 where isTried: .unauthorized(reason)
        case 300...399, 500...: .unreachable(reason)
        default: .well
        }
    }
}
