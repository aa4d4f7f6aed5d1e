import Model
import Rotations
import Vault

extension VaultService {
    /// How often it is looked while all is well or the disk is full: a look costs nothing to speak of.
    private static let lookInterval = Duration.seconds(2)
    /// What keeps the vault sealed is looked at ever less often.
    private static let lookIntervalMax = Duration.seconds(60)

    /// Looks, for as long as the daemon runs, whether a trouble with the disk is over: then all goes on by itself.
    package func watchDisk() async {
        var interval = Self.lookInterval
        while !Task.isCancelled {
            await clock.sleep(for: interval)
            await lookForRoom()
            interval = await sealedBecause == nil ? Self.lookInterval : min(interval * 2, Self.lookIntervalMax)
        }
    }

    package func lookForRoom() async {
        guard let why = await vault.sealedBecause else {
            await vault.lookForRoomAgain()
            return await bearers.storeHeld()
        }
        // It may have sealed itself, which nobody was told.
        bearers.forgetAll()
        // Whatever else is wrong then shows as the new reason.
        if why.mayPass { try? await open(by: nil) }
    }

    /// Refuses what would begin something on a full disk, before anything goes out for it.
    func requireRoom() async throws {
        guard await vault.lookForRoomAgain() == .enough else { throw VaultError.diskFull.problem }
    }
}
