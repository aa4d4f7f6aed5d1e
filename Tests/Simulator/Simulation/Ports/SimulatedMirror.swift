import FoundationEssentials
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

    /// As whoever looks at the file sees it.
    var counter: Int64? {
        inner.bytes.flatMap { try? JSONDecoder().decode(Mark.self, from: Data($0)).counter }
    }

    private struct Mark: Decodable {
        let counter: Int64
    }

    func lose() { inner.bytes = nil }

    func write(_ bytes: [UInt8]) throws(VaultError) {
        guard world.survives(.beforeMirror) else { throw Self.gone }
        if world.diskFaults.isFull { throw .diskFull }
        try inner.write(bytes)
        guard world.survives(.afterMirror) else { throw Self.gone }
    }

    private static let gone = VaultError.failed("the process is gone")
}
