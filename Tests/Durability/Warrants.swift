import Model
import Operations
import Rotations
import Vault

/// What lets a PUT out: an entry in the audit log, durable before it, and one for each.
struct Warrants {
    private let all: [Warrant]
    private let rotations: [Rotation]

    private struct Warrant {
        let version: VersionNumber
        /// Of a rotation that vouches that nothing of it was stored, a 401 apart.
        let isForUnwelcome: Bool
    }

    init(_ reading: VaultReading) {
        rotations = reading.rotations
        let byID = Dictionary(uniqueKeysWithValues: reading.rotations.map { ($0.id, $0) })
        /// Those that are on their way back, until an operator has their new key tried again.
        var goingBack: Set<RotationID> = []
        all = reading.audit.compactMap { entry in
            guard let id = entry.event.rotation, let rotation = byID[id] else { return nil }
            let version: VersionNumber?
            switch entry.event.event {
            case "rotation.requested": version = rotation.version
            case "rotation.continued": version = goingBack.contains(id) ? nil : rotation.version
            case "rotation.reverting":
                goingBack.insert(id)
                version = rotation.standingVersion
            case "rotation.resolved":
                goingBack.remove(id)
                version = rotation.version
            default: version = nil
            }
            return version.map { Warrant(version: $0, isForUnwelcome: !rotation.mayBeStored) }
        }
    }

    /// The earliest that is left does for each, if any does.
    func require(_ sent: [Sent], _ names: KeyNames) throws {
        var left = all[...]
        for (place, put) in sent.enumerated() {
            let versions = names[put.key] ?? []
            guard let found = left.firstIndex(where: { versions.contains($0.version) && (!$0.isForUnwelcome || !put.isWelcome) }) else {
                let before = sent[..<place].suffix(12).map { "\($0.key)\($0.isWelcome ? "" : " (401)")" }
                throw Ledger.Broken(
                    description:
                        "the backend was sent \(put.key)\(put.isWelcome ? "" : " (401)"), for which no entry of the audit log is left; before it: \(before)"
                )
            }
            left = left[(found + 1)...]
        }
    }

    /// A backend that takes no token has said nothing of the key.
    func requireVerdicts(_ sent: [Sent], _ names: KeyNames) throws {
        let heard = Set(sent.filter(\.isWelcome).flatMap { names[$0.key] ?? [] })
        for rotation in rotations where rotation.state == .rejected || rotation.state == .succeeded {
            guard let version = rotation.version, !heard.contains(version) else { continue }
            throw Ledger.Broken(description: "version \(version) is \(rotation.state), and the backend saw it under no token that it takes")
        }
    }
}
