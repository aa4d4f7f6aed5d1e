import TestSupport
import Vault

/// The counter's mirror beside the vault: what a killed daemon still wants to write there is not written.
final class SimulatedMirror: CounterMirror, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private let inner = MemoryMirror()
    private unowned let world: World

    init(in world: World) {
        self.world = world
    }

    func read() throws(VaultError) -> [UInt8]? { try inner.read() }

    func write(_ bytes: [UInt8]) throws(VaultError) {
        guard world.survives(.beforeMirror) else { throw Self.gone }
        if world.diskFaults.isFull { throw .diskFull }
        try inner.write(bytes)
        guard world.survives(.afterMirror) else { throw Self.gone }
    }

    private static let gone = VaultError.failed("the process is gone")
}
