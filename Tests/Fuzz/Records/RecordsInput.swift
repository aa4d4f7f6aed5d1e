import FoundationEssentials
import FuzzSupport
import Model
import Rotations
import Secrets

@testable import Operations
@testable import Vault

/// Records as somebody left them who can write the disk (all but the first way), and as another version of Keyturn did (the first).
@_cdecl("LLVMFuzzerTestOneInput") public func tryRecords(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = Input(start, count)
    switch input.choice(of: 5) {
    case 0: tryContent(of: input.choice(of: Kind.all.count), input.rest)
    case 1: trySealed(input.rest)
    case 2: tryPadded(input.rest)
    case 3: tryPlain(VaultHeader.key, input.rest)
    default: tryPlain([RecordTag.slot] + Array("0123456789abcdef".utf8), input.rest)
    }
    return 0
}

private let rootKey = Secret(count: 32) { $0.initializeMemory(as: UInt8.self, repeating: 7) }
private let indexKey = Secret(count: 32) { $0.initializeMemory(as: UInt8.self, repeating: 8) }

private func vault(over engine: OneRecord) -> OpenVault {
    OpenVault(engine: engine, rootKey: rootKey.clone(), indexKey: indexKey.clone(), random: Zeros())
}

/// A kind of record: what reading one comes to, and what is asked of it then.
private struct Kind: Sendable {
    let read: @Sendable (VaultView) throws(VaultError) -> Void
    let key: @Sendable (OpenVault) -> [UInt8]
    let name: String

    init<Value: Codable & Sendable & Equatable>(_ kind: RecordKind<Value>, _ use: @escaping @Sendable (Value) -> Void = { _ in }) {
        self.init(kind, { $0 == $1 }, use)
    }

    /// `isSame`: whether what was written and read again is what it was.
    init<Value: Codable & Sendable>(
        _ kind: RecordKind<Value>, _ isSame: @escaping @Sendable (Value, Value) -> Bool,
        _ use: @escaping @Sendable (Value) -> Void = { _ in }
    ) {
        name = kind.name
        key = { $0.engineKey(kind, .named("x")) }
        read = { (view) throws(VaultError) in
            guard let value = try view.get(kind, .named("x")) else { fatalError("the record is there") }
            guard let again = try? RecordJSON.decode(Value.self, from: RecordJSON.encode(value)) else {
                fatalError("a \(kind.name) that was read can't be written and read again")
            }
            require(isSame(value, again), "a \(kind.name) changes when it is written and read again")
            use(value)
        }
    }

    static let all: [Kind] = [
        Kind(.config) { config in
            let now = Timestamp(milliseconds: 1_800_000_000_000)
            _ = config.isPaused(at: now)
            _ = (config.version(.current), config.newestPrevious)
        },
        Kind(.endedVersion), Kind(.upstream), Kind(.audit),
        Kind(.rotation) { rotation in
            _ = rotation.state
            _ = rotation.nextStep
        },
        Kind(.binding, { $0.config == $1.config }),
        Kind(.unfinished, { $0.id == $1.id && $0.config == $1.config }),
        Kind(.erasure, { $0.config == $1.config && $0.at == $1.at }),
        Kind(.idempotency, { $0.rotation == $1.rotation && $0.request == $1.request && $0.at == $1.at }),
        Kind(.usedBox, { $0.at == $1.at }),
        Kind(.state),
        Kind(.intakeList, { $0.keys.map(\.id) == $1.keys.map(\.id) }),
    ]
}

/// Genuine, but not what this version writes: read, or refused by its kind.
private func tryContent(of index: Int, _ content: [UInt8]) {
    let kind = Kind.all[index]
    let engine = OneRecord()
    let vault = vault(over: engine)
    let key = kind.key(vault)
    engine.record = EngineRecord(key: key, revision: 1, value: vault.seal(Data(content), at: key, revision: 1))
    do { try kind.read(VaultView(vault: vault)) } catch { require(error == .damaged(kind: kind.name), "\(error) in place of \(kind.name)") }
}

/// Nothing that was not sealed with the key opens.
private func trySealed(_ bytes: [UInt8]) {
    let vault = vault(over: OneRecord())
    let record = EngineRecord(key: [0x10, 1, 2, 3], revision: 1, value: bytes)
    require((try? vault.open(record, kind: "x")) == nil, "a forged record opens")
    switch try? vault.openSecret(record, kind: "x") {
    case .some: fatalError("a forged secret opens")
    case .none: break
    }
}

/// Sealed with the key, whatever stands where the length should be: both ways of opening come to the same.
private func tryPadded(_ padded: [UInt8]) {
    let vault = vault(over: OneRecord())
    let key: [UInt8] = [0x10, 1, 2, 3]
    let record = EngineRecord(key: key, revision: 1, value: vault.sealed(padded: padded, at: key, revision: 1))
    let plain = try? vault.open(record, kind: "x")
    switch try? vault.openSecret(record, kind: "x") {
    case .some(let secret):
        let same = secret.withBytes { bytes in plain.map { $0.elementsEqual((0..<bytes.byteCount).map { bytes.byte($0) }) } ?? false }
        require(same, "a secret opens to something else than a record")
    case .none: require(plain == nil, "a record opens, and a secret does not")
    }
}

/// Read before there is a key.
private func tryPlain(_ key: [UInt8], _ bytes: [UInt8]) {
    let engine = OneRecord()
    engine.others = [
        EngineRecord(key: VaultHeader.key, revision: 1, value: Array(#"{"format":2,"createdAt":1800000000000}"#.utf8))
    ]
    engine.record = EngineRecord(key: key, revision: 1, value: bytes)
    do {
        _ = try OpenVault.open(engine, unlockKey: rootKey, at: Timestamp(milliseconds: 0), random: Zeros())
        fatalError("a vault opens without a key of its own")
    } catch {
        switch error {
        case .damaged, .newer, .wrongKey, .noKey: break
        default: fatalError("\(error)")
        }
    }
}

/// Holds the one record that is tried.
private final class OneRecord: Engine, @unchecked Sendable {  // SAFETY: libFuzzer has one thread.
    var record: EngineRecord?
    var others: [EngineRecord] = []

    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        record?.key == key ? record : others.first { $0.key == key }
    }

    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        [record].compactMap { $0 }.filter { $0.key.starts(with: prefix) }
    }

    func commit(_ changes: [EngineChange]) throws(EngineError) { throw .failed("nothing is written here") }

    func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        throw .damaged(kind: "nothing is written here")
    }

    func keepCopy(named name: String) throws(EngineError) {}

    func forgetReplaced() throws(EngineError) {}

    func snapshot() throws(EngineError) -> any EngineSnapshot { throw .failed("nothing is copied here") }

    var reserve: (any Reserve)? { nil }

    func close() {}
}

private struct Zeros: RandomSource {
    func fill(_ buffer: UnsafeMutableRawBufferPointer) { buffer.initializeMemory(as: UInt8.self, repeating: 0) }
}
