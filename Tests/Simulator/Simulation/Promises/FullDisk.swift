import Model
import Vault

/// Promise 4 on a full disk: what room is left is for what is under way, and as long as it lasts, the backend's answers are recorded.
extension Oracle {
    private static let ofWorkUnderWay: Set = [
        "vault.quarantined", "vault.unsealed", "vault.sealed", "vault.backed-up", "upstream.refresh-begun", "upstream.refresh-ended",
        "upstream.bearer-dropped",
        "rotation.reverting", "rotation.continued", "rotation.waiting", "rotation.stuck", "rotation.succeeded", "rotation.rejected",
        "rotation.failed", "rotation.cancelled", "rotation.cancel-asked",
    ]

    func checkRoom(_ delta: VaultImage.Delta) {
        for entry in delta.entries { if let config = entry.config { actedOn(config) } }
        // What is under way goes on from its last durable point when the vault opens again.
        if delta.entries.contains(where: { $0.event == "vault.sealed" }) { unrecorded = [:] }
        guard world.diskFaults.isFull, let other = delta.entries.first(where: { !Self.ofWorkUnderWay.contains($0.event) }) else { return }
        broken(.neverSilent, "'\(other.event)' takes the last room on a full disk, which is kept for what is under way")
    }

    /// A request was answered, and the daemon lives to hear it. What comes of it is durable soon, or it asks on.
    func heard(of id: RemoteID) {
        guard world.diskFaults.isFull, world.diskFaults.hasReserve else { return }
        answersHeard += 1
        unrecorded[id] = answersHeard
        let (answer, life, failed) = (answersHeard, world.lives, world.diskFaults.failed)
        world.time.schedule(after: Self.recordedWithin) { [unowned self] in
            guard unrecorded[id] == answer, world.lives == life, world.diskFaults.failed == failed, world.diskFaults.hasReserve else {
                return
            }
            broken(
                .neverSilent, "what the backend answered for '\(Scene.config(at: id))' is not recorded, though the reserve has room for it")
        }
    }

    func actedOn(_ config: ConfigName) { unrecorded[Scene.remote(of: config)] = nil }

    /// Longer than a failed proof is repeated for.
    private static let recordedWithin = Duration.seconds(30)
}
