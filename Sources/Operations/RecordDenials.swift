package import Access
import Model
import Rotations
import Synchronization
package import Vault

/// Counts what callers were denied, so that each has at most one entry a minute in the audit log, whatever it tries.
package final class Denials: Sendable {
    /// What a caller was denied since its last entry.
    fileprivate struct Denied {
        /// `nil`: more callers than are told apart.
        let caller: AuditEvent.Caller?
        var count = 0
        /// The last time.
        var right: Right
        var scope: Scope
        /// When its next entry may be written.
        var restsUntil = Duration.zero

        func event(at now: Timestamp) -> AuditEvent {
            let config: ConfigName? = if case .config(let name) = scope { name } else { nil }
            return AuditEvent(
                at: now, "access.denied", by: caller, config: config, outcome: right.rawValue,
                reason: count > 1 ? "the last of \(count) requests" : nil)
        }
    }

    private let callers = Mutex<[AuditEvent.Caller?: Denied]>([:])
    /// Tells that there is something to record. For one listener.
    fileprivate let noted: AsyncStream<Void>
    private let telling: AsyncStream<Void>.Continuation

    private static let callersMax = 256
    private static let interval = Duration.seconds(60)

    package init() {
        (noted, telling) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func note(_ identity: CallerIdentity, _ right: Right, _ scope: Scope) {
        callers.withLock { callers in
            let known = AuditEvent.Caller(uid: identity.uid, unit: identity.unit)
            let caller = callers[known] == nil && callers.count >= Self.callersMax ? nil : known
            var denied = callers[caller] ?? Denied(caller: caller, right: right, scope: scope)
            denied.count += 1
            (denied.right, denied.scope) = (right, scope)
            callers[caller] = denied
        }
        telling.yield()
    }

    /// Those whose time has come. Who tried nothing more is forgotten.
    fileprivate func due(at uptime: Duration) -> [Denied] {
        callers.withLock { callers in
            callers = callers.filter { $0.value.count > 0 || $0.value.restsUntil > uptime }
            return callers.values.filter { $0.count > 0 && $0.restsUntil <= uptime }
        }
    }

    fileprivate func recorded(_ denied: Denied, at uptime: Duration) {
        callers.withLock { callers in
            callers[denied.caller]?.count -= denied.count
            callers[denied.caller]?.restsUntil = uptime + Self.interval
        }
    }

    /// It could not be recorded now, and adds up.
    fileprivate func postponed(_ denied: Denied, at uptime: Duration) {
        callers.withLock { $0[denied.caller]?.restsUntil = uptime + Self.interval }
    }

    fileprivate var isEmpty: Bool { callers.withLock(\.isEmpty) }
}

extension VaultService {
    /// Writes into the audit log, for as long as the daemon runs, who was denied what: the first denial at once, then what came of a minute.
    /// While the vault is sealed they add up, and its first minute after that tells of them; `unrecorded` hears of them meanwhile.
    package func recordDenials(unrecorded: (AuditEvent) -> Void) async {
        for await _ in denials.noted {
            repeat {
                await recordDenialsDue(at: clock.uptime(), unrecorded)
                await clock.sleep(for: .seconds(1))
            } while !denials.isEmpty && !Task.isCancelled
        }
        // At the daemon's stop nothing waits for its minute.
        await recordDenialsDue(at: .seconds(Int64.max), unrecorded)
    }

    func recordDenialsDue(at uptime: Duration, _ unrecorded: (AuditEvent) -> Void) async {
        for denied in denials.due(at: uptime) {
            let event = denied.event(at: clock.now())
            do {
                try await write(.begun) { _ in .changed((), event) }
                denials.recorded(denied, at: clock.uptime())
            } catch {
                unrecorded(event)
                denials.postponed(denied, at: clock.uptime())
            }
        }
    }
}
