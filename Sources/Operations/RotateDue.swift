package import Access
import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// How often it looks for what is due.
    private static let dueInterval = Duration.seconds(60)
    /// So many at once: one slow backend shall not hold up all.
    private static let dueAtOnce = 8

    /// Rotates, for as long as the daemon runs, what is due: in place of the timers.
    package func rotateWhatIsDue(as daemon: Caller) async {
        while !Task.isCancelled {
            await rotateDueOnce(as: daemon)
            await clock.sleep(for: Self.dueInterval)
        }
    }

    /// One failure stops nothing; what came of each stands in its history.
    package func rotateDueOnce(as daemon: Caller) async {
        var cursor: [UInt8]?
        repeat {
            guard let page = try? await configs(after: cursor, limit: 100, filter: .due, as: daemon) else { return }
            await withTaskGroup(of: Void.self) { group in
                for (index, snapshot) in page.items.enumerated() {
                    if index >= Self.dueAtOnce { await group.next() }
                    var request = RotationRequest(.rotate)
                    request.condition = .ifDue
                    let name = snapshot.record.name
                    group.addTask { [request] in _ = try? await rotate(name, request, .untilSettled, as: daemon) }
                }
            }
            cursor = page.next
        } while cursor != nil
    }
}
