import Model
import Operations
import Rotations
import Secrets
import TestSupport
import Vault

/// What a reader of the disk would find, decoded anew after each commit.
final class VaultImage {
    private(set) var configs: [ConfigName: ConfigRecord] = [:]
    private(set) var rotations: [RotationID: Rotation] = [:]
    /// The bytes of each version that are there.
    private(set) var keys: [ConfigName: [VersionNumber: String]] = [:]
    /// How many rotations were made.
    private(set) var rotationsMade = 0
    private var nextSeq: Int64 = 1
    private var vault: OpenVault
    private var names: [[UInt8]: ConfigName] = [:]
    private var ids: [[UInt8]: RotationID] = [:]
    private var versions: [[UInt8]: (ConfigName, VersionNumber)] = [:]
    private var versionsNamed: [ConfigName: VersionNumber] = [:]

    /// What one commit changed.
    struct Delta {
        var entries: [AuditEvent] = []
        var configs: [(name: ConfigName, before: ConfigRecord?, after: ConfigRecord?)] = []
        var rotations: [(before: Rotation?, after: Rotation)] = []
        var erased: [(ConfigName, VersionNumber, key: String)] = []
        /// Records of rotations that no audit entry names.
        var unnamed = 0
    }

    init(reading engine: any Engine, random: any RandomSource) throws(VaultError) {
        vault = try OpenVault.open(engine, unlockKey: World.unlockKey, at: Timestamp(milliseconds: 0), random: random)
        self.random = random
        engineID = ObjectIdentifier(engine as AnyObject)
        nameKeys()
    }

    /// After the root key was replaced: every record has another key and other bytes, and none another meaning. Returns what has.
    func reread(from engine: any Engine) throws -> [String] {
        vault = try OpenVault.open(engine, unlockKey: World.unlockKey, at: Timestamp(milliseconds: 0), random: random)
        (names, ids, versions, versionsNamed) = ([:], [:], [:], [:])
        nameKeys()
        for id in rotations.keys { ids[vault.cursor(.rotation, .timed(milliseconds: id.milliseconds, id: id.description))] = id }
        let view = VaultView(vault: vault)
        var changed: [String] = []
        for name in Scene.configs {
            let record = try view.get(.config, .named(name.description))
            if record != configs[name] { changed.append("'\(name)'") }
            nameVersions(of: name, upTo: (record?.nextVersion ?? 0) + 8)
            for (number, key) in keys[name] ?? [:] where try spelled(view.get(.credential, .numbered(name.description, number))) != key {
                changed.append("version \(number) of '\(name)'")
            }
        }
        for (id, rotation) in rotations where try view.get(.rotation, .timed(milliseconds: id.milliseconds, id: id.description)) != rotation
        {
            changed.append("rotation \(id)")
        }
        return changed
    }

    /// Of a vault that nobody looked on while it came to be.
    func readAll(of engine: any Engine) throws {
        vault = try OpenVault.open(engine, unlockKey: World.unlockKey, at: Timestamp(milliseconds: 0), random: random)
        (configs, rotations, keys, nextSeq) = ([:], [:], [:], 1)
        (names, ids, versions, versionsNamed) = ([:], [:], [:], [:])
        nameKeys()
        let view = VaultView(vault: vault)
        while try view.get(.audit, .sequence(nextSeq)) != nil { nextSeq += 1 }
        for name in Scene.configs {
            guard let record = try view.get(.config, .named(name.description)) else { continue }
            configs[name] = record
            nameVersions(of: name, upTo: record.nextVersion + 8)
            for number in 1...record.nextVersion + 8 {
                keys[name, default: [:]][number] = try spelled(view.get(.credential, .numbered(name.description, number)))
            }
        }
        for stored in try view.list(.rotation, limit: .max) {
            let id = stored.value.id
            ids[vault.cursor(.rotation, .timed(milliseconds: id.milliseconds, id: id.description))] = id
            rotations[id] = stored.value
        }
        engineID = ObjectIdentifier(engine as AnyObject)
    }

    private let random: any RandomSource

    private func nameKeys() {
        for name in Scene.configs {
            names[vault.cursor(.config, .named(name.description))] = name
            nameVersions(of: name, upTo: 8)
        }
    }

    private func nameVersions(of config: ConfigName, upTo last: VersionNumber) {
        let first = versionsNamed[config, default: 0] + 1
        guard first <= last else { return }
        for number in first...last { versions[vault.cursor(.credential, .numbered(config.description, number))] = (config, number) }
        versionsNamed[config] = last
    }

    /// `engine` holds them already.
    func absorb(_ changes: [EngineChange], in engine: any Engine) throws -> Delta {
        if isOther(engine) {
            vault = try OpenVault.open(engine, unlockKey: World.unlockKey, at: Timestamp(milliseconds: 0), random: random)
        }
        var delta = Delta()
        let view = VaultView(vault: vault)
        while let entry = try view.get(.audit, .sequence(nextSeq)) {
            nextSeq += 1
            delta.entries.append(entry.event)
            if let id = entry.event.rotation {
                ids[vault.cursor(.rotation, .timed(milliseconds: id.milliseconds, id: id.description))] = id
            }
        }
        for change in changes {
            if let name = names[change.key] {
                let before = configs[name]
                // Revisions begin anew after a deletion: nothing that was decoded before may be taken for what comes.
                if change.becomes == nil {
                    vault = try OpenVault.open(engine, unlockKey: World.unlockKey, at: Timestamp(milliseconds: 0), random: random)
                }
                let after = change.becomes == nil ? nil : try view.get(.config, .named(name.description))
                configs[name] = after
                nameVersions(of: name, upTo: (after?.nextVersion ?? 0) + 8)
                delta.configs.append((name, before, after))
            } else if let id = ids[change.key] {
                guard let after = try view.get(.rotation, .timed(milliseconds: id.milliseconds, id: id.description)) else { continue }
                if rotations[id] == nil { rotationsMade += 1 }
                delta.rotations.append((rotations.updateValue(after, forKey: id), after))
            } else if change.key.first == RecordKind<Rotation>.rotation.tag {
                delta.unnamed += 1
            }
        }
        for change in changes {
            guard let (name, number) = versions[change.key] else { continue }
            let before = keys[name]?[number]
            let after = try spelled(view.get(.credential, .numbered(name.description, number)))
            keys[name, default: [:]][number] = after
            if let before, after != before { delta.erased.append((name, number, before)) }
        }
        return delta
    }

    private func spelled(_ packed: consuming Secret?) -> String? {
        switch packed {
        case .some(let packed): Credential.unpacked(packed).spelled
        case .none: nil
        }
    }

    private var engineID: ObjectIdentifier

    private func isOther(_ engine: any Engine) -> Bool {
        let id = ObjectIdentifier(engine as AnyObject)
        defer { engineID = id }
        return engineID != id
    }

    // MARK: Asking

    func key(_ number: VersionNumber?, of config: ConfigName) -> String? {
        number.flatMap { keys[config]?[$0] }
    }

    func versions(holding key: String, of config: ConfigName) -> [VersionRecord] {
        configs[config]?.versions.filter { keys[config]?[$0.number] == key } ?? []
    }
}
