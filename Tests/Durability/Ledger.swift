import FlashbackStandIn
import Model
import Operations
import Rotations
import Vault

/// What the outside saw, against what the vault says: the promises, checked after each kill.
struct Ledger {
    /// Which versions a key became, as far as any reading told.
    private var names: KeyNames = [:]
    /// What callers were told is in the vault now.
    private var granted: [VersionNumber: String] = [:]
    private var stepping = Stepping()

    struct Broken: Error, CustomStringConvertible { let description: String }

    /// Somebody was answered that the key is version `number` from now on.
    mutating func grant(_ key: String, as number: VersionNumber) {
        granted[number] = key
        names[key, default: []].insert(number)
    }

    mutating func learn(_ memory: [Operators.Memory]) {
        for one in memory { stepping.learn(one) }
    }

    /// `clockChanges`: when the daemon's wall clock was set to another time.
    mutating func check(_ reading: VaultReading, with standIn: StandIn, clockChanges: [ContinuousClock.Instant] = []) throws {
        guard let held = standIn.held(Site.remoteID)?.key else { throw Broken(description: "the backend holds nothing") }
        let (sent, refreshes) = (standIn.sent, standIn.received(.refresh).count)
        for (number, key) in reading.keys { names[key, default: []].insert(number) }
        try checkGranted(reading)
        nameErased(reading, sent)
        try nameRolledBack(reading)
        try checkHeld(reading, held)
        try checkProof(reading, held)
        let warrants = Warrants(reading)
        try warrants.require(sent, names)
        try warrants.requireVerdicts(sent, names)
        guard refreshes <= reading.audit.count(where: { $0.event.event == "upstream.refresh-begun" }) else {
            throw Broken(description: "the backend saw \(refreshes) refreshes, which is more than the audit log knows")
        }
        try stepping.check(reading, sent, names, clockChanges)
    }

    /// Proven is what the backend holds, for as long as no rotation is on its way to change that.
    private func checkProof(_ reading: VaultReading, _ held: String) throws {
        guard let config = reading.config, config.unfinished == nil, let current = config.version(.current), current.proof == .proven,
            reading.keys[current.number] != held
        else { return }
        throw Broken(description: "version \(current.number) counts as proven, but the backend holds \(held)")
    }

    /// Durable before visible: what was granted is there, with its bytes until it ended for a reason.
    private func checkGranted(_ reading: VaultReading) throws {
        for (number, key) in granted.sorted(by: { $0.key < $1.key }) {
            guard let state = reading.state(of: number) else {
                throw Broken(description: "\(key) was granted as version \(number), of which the vault knows nothing")
            }
            if reading.isKept(number) {
                guard reading.keys[number] == key else {
                    throw Broken(
                        description:
                            "\(key) was granted as version \(number), which is \(state) and has \(reading.keys[number] ?? "no key")")
                }
            } else if reading.reasonForEnding(number, discarded: stepping.discardsAsked) == nil {
                throw Broken(description: "\(key) was granted as version \(number), which is \(state) for no reason")
            }
        }
    }

    /// A key that was staged, refused and erased within one life of the daemon was never there to be read: it is the one of a version that
    /// ended without having been seen. Keys are sent in the order of their versions.
    private mutating func nameErased(_ reading: VaultReading, _ sent: [Sent]) {
        let known = names.values.reduce(into: Set<VersionNumber>()) { $0.formUnion($1) }
        let rotated = Set(reading.rotations.filter { $0.rollbackOf == nil }.compactMap(\.version))
        var unseen = reading.ended.map(\.number).filter { !known.contains($0) && rotated.contains($0) }.sorted()
        for put in sent where names[put.key] == nil && !unseen.isEmpty { names[put.key] = [unseen.removeFirst()] }
    }

    /// What a rollback brings back has a new number.
    private mutating func nameRolledBack(_ reading: VaultReading) throws {
        for rotation in reading.rotations.sorted(by: { $0.version ?? 0 < $1.version ?? 0 }) {
            guard let source = rotation.rollbackOf, let version = rotation.version else { continue }
            guard let key = names.first(where: { $0.value.contains(source) })?.key else { continue }
            guard reading.keys[version].map({ $0 == key }) ?? true else {
                throw Broken(description: "version \(version) brings back version \(source), and has another key")
            }
            names[key]?.insert(version)
        }
    }

    /// Never lost: what the backend holds is in the vault.
    private func checkHeld(_ reading: VaultReading, _ held: String) throws {
        let numbers = reading.numbers(ofKey: held)
        guard !numbers.isEmpty else {
            throw Broken(description: "the backend holds \(held) (version \(names[held] ?? [])), which is not in the vault")
        }
        let isKept = numbers.contains { number in
            switch reading.state(of: number) {
            // A straggler may land after its version was given up: the bytes of a rejected one stay until none can any more.
            case .current, .pending, .previous, .rejected: true
            case .staged, .retired, .discarded, nil: false
            }
        }
        guard isKept else {
            let states = numbers.map { "\($0) \(reading.state(of: $0).map { "\($0)" } ?? "unknown")" }
            throw Broken(description: "the backend holds \(held), which the vault has as: \(states.joined(separator: ", "))")
        }
    }
}
