import Foundation

/// How much is tried. `swift test` does little of everything; the long runs of docs/reliability.md set these variables.
enum Effort {
    /// One and the same unless `KEYTURN_SEED` says otherwise, so that what turns red was turned by the change. Printed by each test that draws
    /// from it.
    static let seed = number("KEYTURN_SEED") ?? 3_463_544_831
    static let kills = Int(number("KEYTURN_KILLS") ?? 30)
    static let recordedRotations = Int(number("KEYTURN_RECORDED_ROTATIONS") ?? 3)
    static let powerCuts = Int(number("KEYTURN_POWER_CUTS") ?? 1_000)
    /// Of each class of calls, so many are let fail; 0 stands for all.
    static let failuresPerClass = Int(number("KEYTURN_FAILURES") ?? 2)

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }
}
