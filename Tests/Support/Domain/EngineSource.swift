package import Model
import Operations
package import Secrets
package import Vault

/// A vault in an engine that a test holds, with the unlock key of the harness.
package struct EngineSource: VaultSource {
    private let engine: any Engine
    package let machine: String?

    package init(_ engine: any Engine, machine: String? = nil) {
        self.engine = engine
        self.machine = machine
    }

    package static var unlockKey: Secret { Secret(count: 32) { $0.copyBytes(from: repeatElement(7, count: 32)) } }

    package func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        try OpenVault.open(engine, unlockKey: Self.unlockKey, at: time, random: random)
    }

    package func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        try OpenVault.open(engine, rootKey: rootKey.clone(), random: random)
    }

    package func slots() throws(VaultError) -> [Slot] { try OpenVault.slots(in: engine) }
}
