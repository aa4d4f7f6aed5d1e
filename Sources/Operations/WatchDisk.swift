import Model
import Rotations
import Vault

extension VaultService {
    /// Asked only where there is no room: a look costs nothing to speak of.
    private static let roomInterval = Duration.seconds(5)

    /// Looks, for as long as the daemon runs, whether a disk that was full has room again: then all goes on by itself.
    package func watchDisk() async {
        while !Task.isCancelled {
            await lookForRoom()
            await clock.sleep(for: Self.roomInterval)
        }
    }

    package func lookForRoom() async {
        if await vault.sealedBecause == .diskFull {
            // Whatever else is wrong then shows as the new reason.
            try? await open(by: nil)
        } else {
            await vault.lookForRoom()
        }
    }

    /// Refuses what would begin something on a full disk, before anything goes out for it.
    func requireRoom() async throws {
        guard await vault.lookForRoom() == .enough else { throw VaultError.diskFull.problem }
    }
}
