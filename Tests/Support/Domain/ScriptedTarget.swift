package import Model
package import Rotations
package import Secrets
import Synchronization

/// A backend that answers what it was told to, and remembers what it was asked.
package final class ScriptedTarget: RotationTarget, TargetProvider {
    package enum Call: Sendable, Equatable {
        /// The bytes of `key` or `secret`, as text: tests use no real ones.
        case put(String, RemoteFields)
        case validate
        case lookUp
        case refresh
    }

    private struct State {
        var puts: [PutAnswer] = []
        var isAway = false
        var validates: [ValidateAnswer] = []
        var lookUp = LookUpAnswer.unavailable(Reason("no list"))
        var calls: [Call] = []
        var held = ""
        var gate: (isClosed: Bool, waiting: [CheckedContinuation<Void, Never>]) = (false, [])
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var refreshed: String?
        var refreshedUntil: Timestamp?
        var refreshFailures: [RefreshFailure] = []
        var whileRefreshing: (@Sendable () async -> Void)?
        var bearers: [String] = []

        var putCount: Int { calls.count { if case .put = $0 { true } else { false } } }
    }

    /// What becomes of a refresh that brings nothing.
    package enum RefreshFailure: String, Sendable, CaseIterable {
        case refused, notSent, unknown
    }

    private let state = Mutex(State())

    package init() {}

    /// Answers to come, in order; after them a PUT is accepted and a validate works.
    package func answer(puts: [PutAnswer] = [], validates: [ValidateAnswer] = []) {
        state.withLock { state in
            state.puts += puts
            state.validates += validates
        }
    }

    /// From now on it answers as at first.
    package func forgetAnswers() {
        state.withLock { state in
            state.puts = []
            state.validates = []
        }
    }

    /// Whether no PUT comes through to it.
    package var isAway: Bool {
        get { state.withLock(\.isAway) }
        set { state.withLock { $0.isAway = newValue } }
    }

    package func answer(lookUp: LookUpAnswer) { state.withLock { $0.lookUp = lookUp } }

    /// What comes of a refresh from now on; at first it is refused.
    package func answer(refreshWith bearer: String) { state.withLock { $0.refreshed = bearer } }

    /// When a refreshed bearer is over, where that is told.
    package func answer(refreshedUntil end: Timestamp) { state.withLock { $0.refreshedUntil = end } }

    /// What comes of the next refreshes, in order.
    package func answer(refreshes: [RefreshFailure]) { state.withLock { $0.refreshFailures += refreshes } }

    /// What others do while a refresh is out.
    package func whileRefreshing(_ body: @escaping @Sendable () async -> Void) { state.withLock { $0.whileRefreshing = body } }

    /// What each PUT came with.
    package var bearers: [String] { state.withLock(\.bearers) }

    /// Returns once so many PUTs came in.
    package func puts(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state -> Bool in
                if state.putCount >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    package var calls: [Call] { state.withLock(\.calls) }

    /// Holds back every answer to a PUT until opened.
    package func closeGate() { state.withLock { $0.gate.isClosed = true } }

    package func openGate() {
        let waiting = state.withLock { state in
            defer { state.gate = (false, []) }
            return state.gate.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    package func target(at address: UpstreamAddress) -> any RotationTarget { self }

    package func look(at address: UpstreamAddress, bearer: borrowing Secret?) async -> UpstreamSight {
        UpstreamSight(isAway ? .unreachable(Reason("connection refused")) : .well)
    }

    package func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        if isAway { return .notSent(Reason("connection refused")) }
        let text: String
        switch which {
        case .offered: text = Self.text(secrets.credentials.offered)
        case .standing: text = Self.text(secrets.credentials.standing)
        case nil: text = ""
        }
        let bearer = Self.text(secrets.bearer)
        await withCheckedContinuation { continuation in
            let (isOpen, watchers) = state.withLock { state in
                state.calls.append(.put(text, fields))
                state.bearers.append(bearer)
                let count = state.putCount
                let ready = state.watchers.filter { $0.count <= count }.map(\.continuation)
                state.watchers.removeAll { $0.count <= count }
                if state.gate.isClosed { state.gate.waiting.append(continuation) }
                return (!state.gate.isClosed, ready)
            }
            for watcher in watchers { watcher.resume() }
            if isOpen { continuation.resume() }
        }
        return state.withLock { $0.puts.isEmpty ? .accepted : $0.puts.removeFirst() }
    }

    package func validate(_ id: RemoteID, secrets: borrowing SecretsInPlay) async -> ValidateAnswer {
        state.withLock { state in
            state.calls.append(.validate)
            return state.validates.isEmpty ? .works : state.validates.removeFirst()
        }
    }

    package func lookUp(_ id: RemoteID, noOlderThan age: Duration, bearer: borrowing Secret) async -> LookUpAnswer {
        state.withLock(\.lookUp)
    }

    package func refresh(with token: borrowing Secret) async -> RefreshAnswer {
        let (failure, bearer, end) = state.withLock { state in
            state.calls.append(.refresh)
            return (state.refreshFailures.isEmpty ? nil : state.refreshFailures.removeFirst(), state.refreshed, state.refreshedUntil)
        }
        if let body = state.withLock(\.whileRefreshing) { await body() }
        switch failure {
        case .refused?: return .refused(Reason("the backend answered 401"))
        case .notSent?: return .notSent(Reason("connection refused"))
        case .unknown?: return .unknown(Reason("the backend answered 503"))
        case nil: break
        }
        guard let bearer else { return .refused(Reason("no refresh here")) }
        return .refreshed(
            RefreshedTokens(
                access: Secret(count: bearer.utf8.count) { $0.copyBytes(from: bearer.utf8) }, refresh: nil, expiresAt: end))
    }

    private static func text(_ credential: borrowing Credential?) -> String {
        switch credential {
        case .some(let credential): text(credential.key) + text(credential.secret)
        case .none: ""
        }
    }

    private static func text(_ secret: borrowing Secret?) -> String {
        switch secret {
        case .some(let secret): text(secret)
        case .none: ""
        }
    }

    private static func text(_ secret: borrowing Secret) -> String {
        secret.withBytes { bytes in String(decoding: (0..<bytes.byteCount).map { bytes.byte($0) }, as: UTF8.self) }
    }
}
