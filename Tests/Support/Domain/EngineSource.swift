package import Model
import Operations
package import Secrets
package import Vault

/// A vault in an engine that a test holds, with its unlock key.
package struct EngineSource: VaultSource {
    private let engine: any Engine
    private let keyBytes: [UInt8]
    package let machine: String?

    package init(_ engine: any Engine, keyBytes: [UInt8] = defaultKey, machine: String? = nil) {
        self.engine = engine
        self.keyBytes = keyBytes
        self.machine = machine
    }

    package static let defaultKey = [UInt8](repeating: 7, count: 32)

    package var unlockKey: Secret { Secret(count: keyBytes.count) { $0.copyBytes(from: keyBytes) } }

    package func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        try OpenVault.open(engine, unlockKey: unlockKey, at: time, random: random)
    }

    package func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        try OpenVault.open(engine, rootKey: rootKey.clone(), random: random)
    }

    package func slots() throws(VaultError) -> [Slot] { try OpenVault.slots(in: engine) }
}
