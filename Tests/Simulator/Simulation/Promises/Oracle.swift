import Model
import Operations
import Rotations
import Vault

/// A promise of design.md section 2 that a run can break.
package enum Promise: String, Sendable {
    case neverLost = "never lost"
    case neverTwice = "never twice"
    case neverSilent = "never silent"
    case neverCutOff = "never cut off"
    /// What was answered holds.
    case durable = "durable before visible"
    /// Nothing of a vault that may not be the newest goes out.
    case quarantine = "quarantine holds"
    /// The due time moves in the successful commit alone.
    case due = "due moves with the commit"
    /// Of a paused config nothing is tried again.
    case paused = "a pause holds"
    /// Everybody gets an answer, nothing runs for ever, all comes to rest.
    case alive = "comes to rest"
}

/// The first promise that a run broke.
package struct Violation: Sendable, Equatable, CustomStringConvertible {
    package let promise: Promise
    package let what: String

    package var description: String { "\(promise.rawValue): \(what)" }
}

/// Judges a run by what the outside world saw: requests and answers, PUTs as sent and as stored, and what a reader of the disk would find.
/// What it checks stands in the files of the promises beside this one.
final class Oracle {
    unowned let world: World
    let image: VaultImage
    private(set) var violation: Violation?
    /// What is remembered of each config from outside.
    var books: [ConfigName: Books] = [:]
    /// What is known of each config from outside.
    var accounts: [ConfigName: Account] = [:]
    /// How often the audit log told of what.
    var entriesSeen: [ConfigName: [String: Int]] = [:]
    /// Which rotation a repeated request got.
    var remembered: [String: Remembered] = [:]
    /// What may not go out, while that is so.
    var quarantined: Quarantined?
    /// What the daemon heard of each configuration and has not acted on yet.
    var unrecorded: [RemoteID: Int] = [:]
    var answersHeard = 0
    /// Rotations that came to nothing once, and waited.
    var rested: Set<RotationID> = []

    struct Books {
        /// The highest version that was ever sent as a new one.
        var newestSent: VersionNumber = 0
        /// Which rotation sent each version last.
        var sentBy: [VersionNumber: RotationID] = [:]
        /// Since when it has been paused without a change.
        var pausedSince: Duration?
        /// Since when each previous version waits for its grace, and how long that is.
        var graces: [VersionNumber: (since: Timestamp, grace: Duration)] = [:]
        /// Versions whose staging was made durable, with their keys.
        var staged: [VersionNumber: String] = [:]
    }

    struct Remembered {
        let rotation: RotationID
        let at: Timestamp
        let uptime: Duration
    }

    init(of world: World, reading engine: any Engine) throws(VaultError) {
        self.world = world
        image = try VaultImage(reading: engine, random: world.random)
    }

    func broken(_ promise: Promise, _ what: String) {
        guard violation == nil else { return }
        violation = Violation(promise: promise, what: what)
        world.trace("BROKEN \(promise.rawValue): \(what)")
    }

    // MARK: What it hears of

    func durable(_ changes: [EngineChange], in engine: any Engine) {
        guard violation == nil else { return }
        do {
            let delta = try image.absorb(changes, in: engine)
            for entry in delta.entries { world.trace("durable: \(entry.event) \(entry.config?.description ?? "") \(entry.outcome ?? "")") }
            world.machineWrittenDown = world.machine
            checkAudited(delta)
            keepAccounts(delta)
            checkQuarantine(delta)
            checkRoom(delta)
            for (_, rotation) in delta.rotations where rotation.state == .waiting { rested.insert(rotation.id) }
            for entry in delta.entries where entry.event == "version.adopted" { adopted(entry.version, of: entry.config) }
            for (name, before, after) in delta.configs {
                keepBooks(name, before, after)
                checkDue(name, before, after, delta)
                checkErased(name, before, after, delta)
                checkProof(name)
                checkHeld(name)
            }
            for (name, number, key) in delta.erased { checkStragglers(name, number, key) }
            endQuarantine(delta)
        } catch {
            broken(.neverLost, "the vault can't be read: \(error)")
        }
    }

    /// All records were sealed anew, with the entry that says so.
    func rewritten(in engine: any Engine) {
        guard violation == nil else { return }
        do {
            let changed = try image.reread(from: engine)
            if !changed.isEmpty { broken(.neverLost, "sealed anew, these are not what they were: \(changed.joined(separator: ", "))") }
            world.trace("durable: sealed anew")
            durable([], in: engine)
        } catch {
            broken(.neverLost, "sealed anew, the vault can't be read: \(error)")
        }
    }

    /// The vault is another one now, as it was copied once: it is judged from here on by what it says itself.
    func replaced(by engine: any Engine) {
        do {
            try image.readAll(of: engine)
            (books, remembered, quarantined) = ([:], [:], nil)
            rested = Set(image.rotations.values.filter { $0.state == .waiting }.map(\.id))
            for (name, record) in image.configs { keepBooks(name, record, record) }
            accounts = image.configs.mapValues { record in Account(record, record.unfinished.flatMap { image.rotations[$0] }) }
        } catch {
            broken(.neverLost, "the restored vault can't be read: \(error)")
        }
    }

    /// A value reached the backend's store.
    func stored(in id: RemoteID) {
        guard violation == nil else { return }
        checkHeld(Scene.config(at: id))
        checkProof(Scene.config(at: id))
    }

    /// A torn commit, as the next life finds it: all of it is there, or nothing.
    func found(_ changes: [EngineChange], in engine: any Engine) {
        let present = changes.filter { change in
            let record = try? engine.get(change.key)
            guard let becomes = change.becomes else { return record == nil }
            return record?.revision == becomes.revision && record?.value == becomes.value
        }
        switch present.count {
        case changes.count: durable(changes, in: engine)
        case 0: break
        default: broken(.durable, "\(present.count) of the \(changes.count) changes of a torn commit are on the disk")
        }
    }

    /// The same of what replaces all records at once.
    func found(rewriteOf before: [EngineRecord], in engine: any Engine) {
        do {
            if try engine.range([], after: nil, order: .ascending, limit: .max) != before { rewritten(in: engine) }
        } catch {
            broken(.neverLost, "after a power cut the vault can't be read: \(error)")
        }
    }

    /// From here on it can be missed.
    private func adopted(_ number: VersionNumber?, of config: ConfigName?) {
        guard let config, let key = image.key(number, of: config) else { return }
        world.backend.adopted(key, by: Scene.remote(of: config))
    }

    private func keepBooks(_ name: ConfigName, _ before: ConfigRecord?, _ after: ConfigRecord?) {
        guard let after else {
            books[name] = nil
            return world.backend.disown(Scene.remote(of: name))
        }
        notePause(of: after, before)
        for version in after.versions {
            if let key = image.key(version.number, of: name) { books[name, default: Books()].staged[version.number] = key }
            let was = before?.versions.first { $0.number == version.number }?.state
            guard version.state == .previous, was != .previous, let eraseAfter = version.eraseAfter else { continue }
            // Once said, it holds for whichever later rotation replaces the key.
            let isBurnt = image.rotations.values.contains { rotation in
                rotation.config == name && rotation.request.isCompromised && rotation.standingVersion == version.number
            }
            books[name]?.graces[version.number] = (
                world.time.now(), isBurnt ? .zero : min(.seconds(after.graceSeconds), eraseAfter - world.time.now() + .seconds(1))
            )
        }
    }
}
