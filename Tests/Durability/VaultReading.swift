import Foundation
import Model
import Operations
import Rotations
import SQLiteEngine
import Secrets
import Vault

/// What a vault on the disk says, read in this process. Every record is opened, so that each is known to be what was sealed in its place.
struct VaultReading: Sendable {
    private(set) var configs: [ConfigRecord] = []
    /// By config and version: the key in plaintext, of each that has its credential still.
    private(set) var keysOf: [ConfigName: [VersionNumber: String]] = [:]
    private(set) var slots: [SlotEntry] = []
    private(set) var ended: [VersionRecord] = []
    private(set) var audit: [AuditEntry] = []
    private(set) var rotations: [Rotation] = []

    struct Wrong: Error, CustomStringConvertible { let description: String }

    /// Opens the vault (which recovers it, as a start does), reads it and closes it.
    init(folder: String, keyFile: String) async throws {
        let store = VaultStore(audience: Nobody())
        let now = Timestamp(milliseconds: 0)
        try await store.unseal(Admission(at: now, by: nil, machine: nil, older: .refused)) { () throws(VaultError) in
            try VaultFolder(path: folder).open(
                unlockKey: KeyFile.read(keyFile, systemdCredential: false), at: now, random: SystemRandom())
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await read(store)) } catch { outcome = .failure(error) }
        await store.seal()
        try outcome.get()
    }

    private struct Nobody: AuditAudience {
        func recorded(_ entry: AuditEntry) {}
        func notRecorded(_ changes: Int) {}
        func roomChanged(to room: VaultStore.Room) {}
    }

    private mutating func read(_ store: VaultStore) async throws {
        (configs, ended, audit, rotations, slots) = try await store.read { view in
            for tag in RecordKind<Anything>.tags { _ = try view.list(RecordKind<Anything>(tag: tag, name: "tag \(tag)"), limit: Self.most) }
            return (
                try view.list(.config, limit: Self.most).map(\.value), try view.list(.endedVersion, limit: Self.most).map(\.value),
                try view.list(.audit, limit: Self.most).map(\.value), try view.list(.rotation, limit: Self.most).map(\.value),
                try view.slots()
            )
        }
        guard audit.map(\.seq) == Array(1...Int64(audit.count)) else { throw Wrong(description: "audit entries \(audit.map(\.seq))") }
        for config in configs { keysOf[config.name] = try await Self.keys(of: config, in: store) }
    }

    private static func keys(of config: ConfigRecord, in store: VaultStore) async throws -> [VersionNumber: String] {
        var keys: [VersionNumber: String] = [:]
        for number in 1..<config.nextVersion {
            let packed = try await store.readSecret { try $0.get(.credential, .numbered(config.name.description, number)) }
            guard let packed, let credential = Credential.unpacked(packed) else { continue }
            keys[number] = credential.keyText
        }
        for version in config.versions where keys[version.number] == nil {
            throw Wrong(description: "version \(version.number) is \(version.state) and has no credential")
        }
        return keys
    }

    private static let most = 1_000_000

    // MARK: What it says

    /// The one that most tests have.
    var config: ConfigRecord? { configs.first }
    var keys: [VersionNumber: String] { config.flatMap { keysOf[$0.name] } ?? [:] }

    func state(of number: VersionNumber) -> VersionState? { record(of: number)?.state }

    private func record(of number: VersionNumber) -> VersionRecord? {
        config?.versions.first { $0.number == number } ?? ended.first { $0.number == number }
    }

    /// Whether the vault still has to have its bytes: they go when it joins the ended ones.
    func isKept(_ number: VersionNumber) -> Bool { config?.versions.contains { $0.number == number } ?? false }

    /// Why a version's bytes were allowed to go; `nil` where nothing allowed it. `discarded`: those that an operator wanted to go.
    func reasonForEnding(_ number: VersionNumber, discarded: Set<VersionNumber>) -> String? {
        switch state(of: number) {
        case .rejected: rotations.contains { $0.version == number && $0.state == .rejected } ? "a rotation found it rejected" : nil
        case .retired where rotations.contains { $0.rollbackOf == number && $0.state == .succeeded }: "a rollback took it over"
        case .retired where discarded.contains(number), .discarded where discarded.contains(number): "an operator discarded it"
        case .retired:
            record(of: number)?.currentSince != nil && (config?.versions ?? []).contains { $0.number > number && $0.currentSince != nil }
                ? "a later version became current" : nil
        case .staged, .pending, .current, .previous, .discarded, nil: nil
        }
    }

    var current: VersionNumber? { config?.version(.current)?.number }
    var staged: [VersionNumber] { config?.versions.filter { $0.state == .staged }.map(\.number) ?? [] }

    func numbers(ofKey key: String) -> [VersionNumber] {
        keys.filter { $0.value == key }.map(\.key).sorted()
    }

    func rotation(_ id: String) -> Rotation? { rotations.first { $0.id.description == id } }

    /// Whether another rotation to one of these versions was wanted after this one was cancelled.
    func wasWantedAgain(_ versions: Set<VersionNumber>, after cancelled: Rotation) -> Bool {
        guard let end = audit.first(where: { $0.event.event == "rotation.cancelled" && $0.event.rotation == cancelled.id }) else {
            return false
        }
        return rotations.contains { rotation in
            rotation.version.map(versions.contains) == true
                && audit.contains { $0.seq > end.seq && $0.event.event == "rotation.requested" && $0.event.rotation == rotation.id }
        }
    }

    /// Whether one of these is the earlier version of a rotation that is on its way back, or went it.
    func wasPutBack(_ versions: Set<VersionNumber>) -> Bool {
        rotations.contains { rotation in
            rotation.standingVersion.map(versions.contains) == true
                && audit.contains { $0.event.event == "rotation.reverting" && $0.event.rotation == rotation.id }
        }
    }
}

extension Rotation {
    /// Not one that vouches for the contrary, since it is cancelled or could be: the backend took no PUT of it.
    var mayBeStored: Bool { state != .cancelled && !machine.isCancellable }
}

/// Any record that is JSON.
private struct Anything: Codable, Sendable {
    init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: Key.self) }
    func encode(to encoder: any Encoder) throws {}

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension RecordKind where Value == Anything {
    /// Upstreams and all kinds of indices; the rest is read as what it is.
    fileprivate static var tags: [UInt8] { [0x05, 0x12, 0x15, 0x17, 0x18, 0x19, 0x1A, 0x1B] }
}

// The records' own modules keep their kinds to themselves: who reads a disk knows them from there.

extension RecordKind where Value == ConfigRecord {
    fileprivate static let config = RecordKind(tag: 0x10, name: "config")
}

extension RecordKind where Value == VersionRecord {
    fileprivate static let endedVersion = RecordKind(tag: 0x11, name: "ended version")
}

extension RecordKind where Value == Rotation {
    fileprivate static let rotation = RecordKind(tag: 0x16, name: "rotation")
}

extension RecordKind where Value == Secret {
    fileprivate static let credential = RecordKind(tag: 0x14, name: "credential")
}

extension Credential {
    fileprivate var keyText: String {
        switch key {
        case .some(let key):
            key.withBytes { bytes in String(decoding: (0..<bytes.byteCount).map { bytes.byte($0) }, as: UTF8.self) }
        case .none: ""
        }
    }
}
