import TestSupport
import Vault

/// What survives the daemon.
protocol Disk: AnyObject {
    /// Opens what is durable.
    func open() throws(VaultError) -> any Engine

    /// Cuts the power in the middle of what `write` does: what of it survives is found at the next `open`.
    func tear(_ engine: any Engine, at fraction: Double, _ write: (any Engine) throws -> Void)

    /// All that is on it, as somebody who copies it gets it.
    func copied() throws -> [EngineRecord]

    /// Loses all that is on it and is made anew, with what `fill` writes. Returns that.
    func replace(_ fill: (any Engine) throws -> Void) throws -> any Engine

    /// Ends the run.
    func discard()
}

/// All in memory: a commit is there or it is not.
final class MemoryDisk: Disk {
    private var engine: MemoryEngine

    init(_ engine: MemoryEngine = MemoryEngine()) {
        self.engine = engine
    }

    func open() -> any Engine { engine }

    func copied() -> [EngineRecord] { engine.records }

    func tear(_ engine: any Engine, at fraction: Double, _ write: (any Engine) throws -> Void) {
        if fraction >= 0.5 { try? write(engine) }
    }

    func replace(_ fill: (any Engine) throws -> Void) throws -> any Engine {
        let fresh = MemoryEngine()
        try fill(fresh)
        engine = fresh
        return fresh
    }

    func discard() {}
}
