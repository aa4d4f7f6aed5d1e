import Model
import Operations

/// One thing that happens in a run: a caller asks, or something goes wrong. Carries its own luck, so that a list of moves can be cut
/// without changing what the others do.
package struct Move: Sendable, CustomStringConvertible {
    let kind: MoveKind
    let seed: UInt64
    let pause: Pause

    /// What passes before the next move.
    enum Pause: Sendable {
        /// So many jobs of the daemon: the next move comes in the middle of things.
        case steps(Int)
        case time(Duration)
    }

    func make(in world: World) {
        var chance = Chance(seed: seed)
        kind.make(&chance, world)
        switch pause {
        case .steps(let count): for _ in 0..<count where !world.step() { break }
        case .time(let duration): world.run(for: duration)
        }
    }

    package var description: String {
        let rest =
            switch pause {
            case .steps(let count): "\(count) steps"
            case .time(let duration): "\(duration)"
            }
        return "\(kind.name) (luck \(seed)), then \(rest)"
    }
}

/// A kind of move, with how often it comes relative to the others. To add an operation or a fault, add one of these to its list.
package struct MoveKind: Sendable {
    let name: String
    let weight: Int
    let make: @Sendable (inout Chance, World) -> Void

    /// A fault of the world.
    static func fault(_ name: String, weight: Int, _ make: @escaping @Sendable (inout Chance, World) -> Void) -> MoveKind {
        MoveKind(name: name, weight: weight, make: make)
    }

    /// A request on a config.
    static func call(
        _ name: String, weight: Int, _ call: @escaping @Sendable (inout Chance, ConfigNameAtHand) -> Call?
    ) -> MoveKind {
        MoveKind(name: name, weight: weight) { chance, world in
            let config = chance.pick(Scene.configs)
            guard let call = call(&chance, ConfigNameAtHand(config: config, world: world)) else { return }
            world.callers.begin(call)
        }
    }

    static let all: [MoveKind] =
        stagingCalls + rotationCalls + configCalls + vaultCalls + backendFaults + daemonFaults + copyFaults
    static let weightOfAll = all.reduce(0) { $0 + $1.weight }
}

/// The config that a request is about, as its operator knows it.
struct ConfigNameAtHand {
    let config: ConfigName
    let world: World

    /// What the operator sees in `config show`.
    var record: ConfigRecord? { world.oracle.image.configs[config] }
    var remote: RemoteID { Scene.remote(of: config) }
}

/// All that happens in a run, drawn from its seed.
package struct Script: Sendable {
    package var moves: [Move]

    package init(moves: [Move]) {
        self.moves = moves
    }

    package init(seed: UInt64, length: Int) {
        var chance = Chance(seed: seed)
        moves = (0..<length).map { _ in
            var place = chance.below(MoveKind.weightOfAll)
            let kind = MoveKind.all.first { kind in
                place -= kind.weight
                return place < 0
            }
            return Move(kind: kind ?? MoveKind.all[0], seed: chance.next(), pause: Self.pause(&chance))
        }
    }

    private static func pause(_ chance: inout Chance) -> Move.Pause {
        switch chance.below(100) {
        case 0..<30: .steps(chance.below(12))
        case 30..<60: .time(.milliseconds(chance.below(400)))
        case 60..<92: .time(.seconds(chance.below(60)))
        case 92..<98: .time(.seconds(chance.below(1200)))
        default: .time(.seconds(3600 + chance.below(7200)))
        }
    }
}
