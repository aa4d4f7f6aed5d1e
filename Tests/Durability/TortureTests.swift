import FlashbackStandIn
import TestProcesses
import TestSupport
import Testing

@Suite struct `A daemon that is tortured` {
    /// So many kills of one vault; the next run begins with a new one.
    private static let killsOfOne = 30

    @Test func `loses no key, puts none twice by mistake, and gets there in the end`() async throws {
        try await Self.runs(of: Effort.kills * 2 / 3, onSmallDisk: false)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "a private mount takes root"))
    func `neither does it with its vault on a disk that fills up`() async throws {
        try await Self.runs(of: Effort.kills / 3, onSmallDisk: true)
    }

    private static func runs(of kills: Int, onSmallDisk: Bool) async throws {
        var seed = Effort.seed
        var left = kills
        while left > 0 {
            print("KEYTURN_SEED=\(seed): \(min(left, killsOfOne)) kills\(onSmallDisk ? " on a small disk" : "")")
            let (count, seedOfOne) = (min(left, killsOfOne), seed)
            try await OwnThread.run { try await Torture.run(kills: count, seed: seedOfOne, onSmallDisk: onSmallDisk) }
            left -= killsOfOne
            seed += 1
        }
    }
}
