import FlashbackStandIn
import Model
import Operations
import Rotations
import Vault

/// What the outside saw, against what the vault says: the promises, checked after each kill.
struct Ledger {
    /// Which version a key became, as far as any reading told.
    private var numbers: [String: VersionNumber] = [:]
    /// What callers were told is in the vault now.
    private var granted: [VersionNumber: String] = [:]
    private var stepping = Stepping()

    struct Broken: Error, CustomStringConvertible { let description: String }

    /// Somebody was answered that the key is version `number` from now on.
    mutating func grant(_ key: String, as number: VersionNumber) {
        granted[number] = key
        numbers[key] = number
    }

    mutating func learn(_ memory: [Operators.Memory]) {
        for one in memory { stepping.learn(one) }
    }

    /// `held`: the key that the backend holds; `puts`: the keys that it was sent, in order.
    mutating func check(_ reading: VaultReading, held: String, puts: [String]) throws {
        for (number, key) in reading.keys { numbers[key] = number }
        try checkGranted(reading)
        nameErased(reading, puts)
        try checkHeld(reading, held)
        try checkOrder(reading, puts)
        for key in Set(puts) {
            guard let number = numbers[key], reading.tells(of: number) else {
                throw Broken(description: "the backend saw \(key), of which the audit log says nothing")
            }
        }
        try stepping.check(reading, puts: puts.map { numbers[$0] ?? 0 })
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
            } else if reading.reasonForEnding(number) == nil {
                throw Broken(description: "\(key) was granted as version \(number), which is \(state) for no reason")
            }
        }
    }

    /// A key that was staged, refused and erased within one life of the daemon was never there to be read: it is the one of a version that
    /// ended without having been seen. Keys are sent in the order of their versions.
    private mutating func nameErased(_ reading: VaultReading, _ puts: [String]) {
        let known = Set(numbers.values)
        var unseen = reading.ended.map(\.number).filter { !known.contains($0) }.sorted()
        for key in puts where numbers[key] == nil && !unseen.isEmpty { numbers[key] = unseen.removeFirst() }
    }

    /// Never lost: what the backend holds is in the vault.
    private func checkHeld(_ reading: VaultReading, _ held: String) throws {
        guard let number = reading.number(ofKey: held) else {
            throw Broken(description: "the backend holds \(held) (version \(numbers[held] ?? 0)), which is not in the vault")
        }
        switch reading.state(of: number) {
        case .current, .pending, .previous: break
        // A straggler may land after its version was given up: its bytes stay until none can any more.
        case .rejected: break
        case let state: throw Broken(description: "the backend holds version \(number), which is \(state.map { "\($0)" } ?? "unknown")")
        }
    }

    /// Nothing older is sent than what was sent before, unless it is put back; and what was given up is not sent again, unless an operator
    /// wants it tried again.
    private func checkOrder(_ reading: VaultReading, _ puts: [String]) throws {
        var last = 1
        var newest = 1
        for key in puts {
            guard let number = numbers[key] else { throw Broken(description: "the backend was sent \(key), which was never in the vault") }
            if number < last, !reading.audit.contains(where: { $0.event.event == "rotation.reverting" && $0.event.version == last }) {
                throw Broken(description: "version \(number) was sent after version \(last), which nobody reverted")
            }
            if number > last, number <= newest, !reading.wasResolved(number) {
                throw Broken(description: "version \(number) was sent again after it was given up: \(puts.compactMap { numbers[$0] })")
            }
            last = number
            newest = max(newest, number)
        }
    }
}
