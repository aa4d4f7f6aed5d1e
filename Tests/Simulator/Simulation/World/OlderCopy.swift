import Model
import TestSupport
import Vault

/// Somebody's copy of the whole disk.
struct OlderCopy {
    let records: [EngineRecord]
    /// The vault's own.
    let counter: Int64
    /// Of a vault that was restored and not opened since.
    let isUnopened: Bool
}

/// What becomes of the counter's mirror beside the disk.
enum MirrorFate: CaseIterable {
    case kept, lost
}

extension World {
    func copyDisk() {
        // Nobody has a sealed vault's file open to read from.
        guard let records = try? disk.copied(), !records.isEmpty else { return }
        let engine = MemoryEngine()
        engine.records = records
        guard let vault = try? OpenVault.open(engine, unlockKey: Self.unlockKey, at: time.now(), random: random),
            let counter = try? VaultView(vault: vault).vaultState().counter
        else { return oracle.broken(.neverLost, "a copy of the disk does not open") }
        trace("the disk is copied at \(counter)")
        olderCopy = OlderCopy(records: records, counter: counter, isUnopened: oracle.quarantined?.isUnopened == true)
    }

    /// What was done since the copy was made is known to the backends alone. Within the lag of the mirror nobody can see that the vault is
    /// older, which is a stated limit: then it is not done.
    func putOlderCopyBack(_ fate: MirrorFate) {
        guard let copy = olderCopy, fate == .lost || mirror.counter ?? .max > copy.counter else { return }
        trace("an older copy of \(copy.counter) is put back, the mirror is \(fate)")
        betweenLives {
            if fate == .lost { mirror.lose() }
            replaceDisk { engine in
                try engine.commit(
                    copy.records.map { EngineChange(key: $0.key, expecting: 0, becomes: .init(revision: $0.revision, value: $0.value)) })
            }
            refuseToOpen(isUnopened: copy.isUnopened)
        }
    }

    /// The vault stays as it is; that it is the newest can't be told any more.
    func loseCounter() {
        trace("the counter is lost")
        betweenLives {
            mirror.lose()
            refuseToOpen(isUnopened: false)
        }
    }

    /// The disk goes to another machine, with the mirror or without it.
    func moveDisk(to other: String, _ fate: MirrorFate) {
        trace("the disk is moved to \(other), the mirror is \(fate)")
        betweenLives {
            move(to: other)
            guard fate == .lost else { return oracle.holdAll(isRefused: false) }
            mirror.lose()
            refuseToOpen(isUnopened: false)
        }
    }

    private func refuseToOpen(isUnopened: Bool) {
        mayBeRefused = true
        oracle.holdAll(isRefused: true, isUnopened: isUnopened)
    }
}

extension MoveKind {
    static let copyFaults: [MoveKind] = [
        .fault("copy the disk", weight: 2) { _, world in world.copyDisk() },
        .fault("put an older copy back", weight: 1) { chance, world in
            world.putOlderCopyBack(chance.pick(MirrorFate.allCases))
            world.acceptSoon(&chance)
        },
        .fault("lose the counter", weight: 1) { chance, world in
            guard chance.happens(percent: 40) else { return }
            world.loseCounter()
            world.acceptSoon(&chance)
        },
        .fault("another machine", weight: 1) { chance, world in
            // One that it was never written down on: back at the last one that was, there is nothing to see.
            let others = World.machines.filter { $0 != world.machine && $0 != world.machineWrittenDown }
            world.moveDisk(to: chance.pick(others), chance.happens(percent: 80) ? .kept : .lost)
            world.acceptSoon(&chance)
        },
    ]
}

extension World {
    /// As a rule the operator sees to it: a vault that stays shut shows little.
    fileprivate func acceptSoon(_ chance: inout Chance) {
        guard chance.happens(percent: 80) else { return }
        time.schedule(after: .seconds(chance.below(60))) { [unowned self] in callers.begin(.acceptOlder) }
    }
}
