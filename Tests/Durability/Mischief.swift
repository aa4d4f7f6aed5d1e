import FlashbackStandIn
import TestProcesses

/// What goes wrong in a round, drawn from the seed.
enum Mischief {
    /// One of the backend's ways to lie, drop, delay or answer late. The frequent ones are those after which nobody knows.
    static func ofBackend(_ draws: inout Draws) -> Fault {
        switch Int.random(in: 0..<20, using: &draws) {
        case 0: .status(500)
        case 1: .status(503)
        case 2: .statusAfterEffect(500)
        case 3: .statusAfterEffect(502)
        case 4: .successFalse(message: "No", stores: true)
        case 5: .successFalse(message: "No", stores: false)
        case 6: .emptyBody
        case 7: .noSuccess
        case 8: .html
        case 9: .otherID
        case 10: .overlong
        case 11: .resetBeforeEffect
        case 12: .resetAfterEffect
        case 13: .status(400)
        case 14: .status(403)
        case 15: .hangAfterEffect
        case 16, 17: .delay(milliseconds(5...200, &draws))
        default: .landLate(after: milliseconds(5...600, &draws))
        }
    }

    /// Calls of the daemon that fail; in most rounds none.
    static func ofCalls(_ draws: inout Draws) -> [Faults.Failing] {
        guard Int.random(in: 0..<3, using: &draws) == 0 else { return [] }
        let lasts = Int.random(in: 0..<5, using: &draws) == 0
        return switch Int.random(in: 0..<4, using: &draws) {
        case 0: [.init(.write, Int.random(in: 1...80, using: &draws), "EIO", lasts: lasts)]
        case 1: [.init(.write, Int.random(in: 1...80, using: &draws), "ENOSPC", lasts: lasts)]
        case 2: [.init(.sync, Int.random(in: 1...12, using: &draws), "EIO", lasts: lasts)]
        default: [.init(.open, Int.random(in: 1...16, using: &draws), "EIO", lasts: lasts)]
        }
    }

    /// After which times, one after the other, the backend can't be reached any more, or can be again; in most rounds nothing changes. One that
    /// is away may stay so over several lives of the daemon, but not for long.
    static func ofLine(_ draws: inout Draws, isAway: Bool) -> [Duration] {
        switch Int.random(in: 0..<(isAway ? 3 : 9), using: &draws) {
        case 0: [.zero]
        case 1: [milliseconds(0...80, &draws)]
        case 2: [milliseconds(0...40, &draws), milliseconds(5...80, &draws)]
        default: []
        }
    }

    /// What operators do beside: in every other round, and always where the backend is away, which is when most can be cancelled. Seldom a
    /// pause, for what it holds is not tortured.
    static func ofOperators(_ draws: inout Draws, isAway: Bool) -> [Operators.Deed] {
        guard isAway || Int.random(in: 0..<2, using: &draws) == 0 else { return [] }
        return (0..<Int.random(in: 1...3, using: &draws)).map { _ in
            let delay = milliseconds(0...60, &draws)
            let kind: Operators.Deed.Kind =
                switch Int.random(in: 0..<22, using: &draws) {
                case 0: .pause
                case 1: .pauseFor(Bool.random(using: &draws) ? milliseconds(1...600, &draws) : .seconds(600))
                case 2...5: .resume
                case 6: .retry
                case 7...9: .beginAndCancel
                case 10...12: .rollback
                case 13...15: .discard
                case 16...18: .giveToken(isRefresh: Bool.random(using: &draws))
                default: .cancel
                }
            return Operators.Deed(delay: delay, kind: kind)
        }
    }

    /// After which times, one after the other, no access token is good any more; in most rounds never.
    static func ofTokens(_ draws: inout Draws) -> [Duration] {
        switch Int.random(in: 0..<20, using: &draws) {
        case 0: [.zero]
        case 1: [milliseconds(0...60, &draws)]
        case 2: [milliseconds(0...30, &draws), milliseconds(0...60, &draws)]
        default: []
        }
    }

    /// What becomes of the next refresh: nothing, as often as not. One that is not answered may have used its token up.
    static func ofRefresh(_ draws: inout Draws) -> Fault? {
        switch Int.random(in: 0..<12, using: &draws) {
        case 0: .status(401)
        case 1: .status(500)
        case 2: .resetBeforeEffect
        case 3: .resetAfterEffect
        case 4: .html
        case 5: .delay(milliseconds(5...200, &draws))
        default: nil
        }
    }

    /// By how much the wall clock is off, in seconds: mostly not at all.
    static func ofClock(_ draws: inout Draws) -> Int {
        guard Int.random(in: 0..<4, using: &draws) == 0 else { return 0 }
        return [-200_000_000, -86_400, -3600, -1, 1, 3600, 86_400, 200_000_000].randomElement(using: &draws)!
    }

    private static func milliseconds(_ range: ClosedRange<Int>, _ draws: inout Draws) -> Duration {
        .milliseconds(Int.random(in: range, using: &draws))
    }
}
