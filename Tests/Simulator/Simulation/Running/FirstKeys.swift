import Model
import Operations
import Rotations

/// Paths of a config's beginning: its first key, of which nothing earlier is known, and one that the backend holds already.
extension CrashTour {
    /// Without a way back every answer means something else.
    static let firstKeys: [Path] =
        PutRow.allCases.map { .firstKey(puts: [$0]) }
        + [
            [PutRow.droppedAfterEffect, .rejected], [.timedOutLate, .rejected], [.droppedAfterEffect, .forbidden],
            [.noVerdictStored, .noVerdictNotStored],
        ].map { .firstKey(puts: $0) }
        + ValidateRow.allCases.map { .firstKey(validates: Array(repeating: $0, count: 3)) }
        + [.firstKey(bearer: .dead)]
        + Resolution.allCases.map { word in
            Path("first key: deniedStored, resolved as \(word.rawValue)", [.deniedStored], [], .good, .nothing) { world in
                world.callers.begin(world.stageAndRotate())
                world.run(for: .seconds(20))
                return world.toured.map { .resolve($0, word, of: World.touredConfig) } ?? .status
            }
        }

    static let adoptions: [Path] =
        [Path("adopted", [], [], .good, .nothing) { $0.adopt() }]
        + [
            [], [PutRow.deniedStored], [.deniedNotStored], [.rejected], [.timedOutLate], [.droppedAfterEffect, .rejected],
            [.droppedAfterEffect, .forbidden], [.noVerdictStored, .noVerdictNotStored], [.deniedStored, .timedOutStored, .forbidden],
        ].map { .adopted($0, [], "rotated") { $0.stageAndRotate() } }
        + [
            .adopted([], Array(repeating: .fails, count: 3), "rotated to a key that does not work") { $0.stageAndRotate() },
            .adopted([], Array(repeating: .fails, count: 3), "proven") { _ in
                .rotate(RotationRequest(.prove), World.touredConfig, waits: true)
            },
            .adopted([], [], "proven") { _ in .rotate(RotationRequest(.prove), World.touredConfig, waits: true) },
            .adopted([], [], "discarded") { _ in .discard(1, .previousToo, of: World.touredConfig) },
            .adopted([.deniedStored], [], "rotated as it is burnt") { $0.stageAndRotate(isCompromised: true) },
        ]
}

extension CrashTour.Path {
    fileprivate static func firstKey(
        puts: [PutRow] = [], validates: [ValidateRow] = [], bearer: Bearer = .good
    ) -> Self {
        let course = puts.map(\.rawValue) + validates.prefix(1).map { "validate \($0.rawValue)" } + (bearer.isDead ? ["no bearer"] : [])
        return Self("first key: \(course.joined(separator: ", "))", puts, validates, bearer, .nothing) { $0.stageAndRotate() }
    }

    fileprivate static func adopted(
        _ puts: [PutRow], _ validates: [ValidateRow], _ description: String, _ call: @escaping @Sendable (World) -> Call
    ) -> Self {
        let course = puts.isEmpty ? "" : ": \(puts.map(\.rawValue).joined(separator: ", "))"
        return Self("adopted, \(description)\(course)", puts, validates, .good, .nothing) { world in
            world.callers.begin(world.adopt())
            world.run(for: .seconds(1))
            return call(world)
        }
    }
}

extension CrashTour.Path.Bearer {
    fileprivate var isDead: Bool { if case .dead = self { true } else { false } }
}

extension World {
    /// `stage --as-current`, of what somebody put there by hand.
    fileprivate func adopt() -> Call {
        let key = backend.newKey(for: Self.touredConfig, works: true)
        backend.remotes[Scene.remote(of: Self.touredConfig)]?.held = key
        return .stage(key, .current, Self.touredConfig, self)
    }
}
