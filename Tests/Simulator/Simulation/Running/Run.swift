import Vault

/// One run: a script in a world of its own, and what the oracle said.
package struct Run: Sendable {
    package let seed: UInt64
    package var script: Script
    package let disk: DiskKind
    package let variant: BrokenVariant?

    package enum DiskKind: String, Sendable, CaseIterable {
        case memory, sqlite
    }

    package struct Outcome: Sendable {
        package let violation: Violation?
        /// How many moves were made before it broke, or all.
        package let moves: Int
        package let rotations: Int
        package let lives: Int
        package let trace: Trace
    }

    /// Moves in a run: enough for many rotations to meet, few enough to look at.
    package static let length = 250

    package init(seed: UInt64, length: Int = Run.length, disk: DiskKind = .memory, variant: BrokenVariant? = nil) {
        self.seed = seed
        script = Script(seed: seed, length: length)
        self.disk = disk
        self.variant = variant
    }

    package func play(keepsTrace: Bool = false, tells: (@Sendable (String) -> Void)? = nil) -> Outcome {
        let disk: any Disk
        let world: World
        do {
            disk = try makeDisk()
            world = try World(seed: seed, disk: disk, variant: variant, trace: Trace(keepsLines: keepsTrace, tells: tells))
        } catch {
            preconditionFailure("no world could be made: \(error)")
        }
        defer { world.end() }
        world.setUp(seed: seed)
        var made = 0
        for move in script.moves {
            guard world.oracle.violation == nil else { break }
            made += 1
            world.trace("— \(move.kind.name)")
            move.make(in: world)
        }
        if world.oracle.violation == nil { world.settle() }
        return Outcome(
            violation: world.oracle.violation, moves: made, rotations: world.oracle.image.rotationsMade, lives: world.lives,
            trace: world.log)
    }

    private func makeDisk() throws -> any Disk {
        switch disk {
        case .memory: MemoryDisk()
        case .sqlite: try SQLiteDisk()
        }
    }
}
