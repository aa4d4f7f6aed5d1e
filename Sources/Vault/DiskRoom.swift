/// What becomes of commits when the disk is full.
extension VaultStore {
    /// Whether the disk takes new commits.
    package enum Room: Sendable {
        case enough
        /// Only what began before is still written, out of the reserve.
        case full
    }

    /// What a writer is about: it decides who may use the last room on a full disk.
    package enum Work: Sendable {
        /// A request, after which nothing has gone out yet.
        case new
        /// What came of something that is under way, or the record of it.
        case begun
    }

    /// Looks whether the disk has room. That takes some of it for a moment: not for each commit, which tells by itself.
    package func lookForRoom() -> Room {
        if case .open(let opened) = door { keepReserve(of: opened.vault) }
        return room
    }

    /// Looks only whether a disk that was full has room again.
    @discardableResult
    package func lookForRoomAgain() -> Room {
        room == .full ? lookForRoom() : .enough
    }

    func keepReserve(of vault: OpenVault) {
        do throws(EngineError) {
            try vault.engine.reserve?.keep()
            changeRoom(to: .enough)
        } catch {
            // A reserve that can't be made for another reason is missed only on a full disk.
            changeRoom(to: error == .diskFull ? .full : .enough)
        }
    }

    func changeRoom(to now: Room) {
        guard room != now else { return }
        room = now
        audience.roomChanged(to: now)
    }
}
