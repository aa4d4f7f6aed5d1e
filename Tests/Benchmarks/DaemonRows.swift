import Foundation
import KeyturnClient
import KeyturnWire

struct MemoryRow {
    let daemon: String
    private let configs = 10_000
    private let rotations = 2000

    init(daemon: String) { self.daemon = daemon }

    func run() async throws {
        let empty = try await Field(configs: 0, staged: 0)
        try await empty.closeVault()
        let idle = try DaemonProcess(daemon, vault: "\(empty.folder)/vault", socket: "\(empty.folder)/s")
        _ = try await idle.client.status()
        try await Task.sleep(for: .seconds(2))
        report("private memory, idle", try idle.privateKiB(), budgetMiB: 4)
        idle.stop()
        await empty.end()

        let field = try await Field(configs: configs, staged: rotations)
        try await field.closeVault()
        let process = try DaemonProcess(daemon, vault: "\(field.folder)/vault", socket: "\(field.folder)/s")
        _ = try await process.client.status()
        let client = process.client
        let highest = Highest()
        let sampling = Task {
            while !Task.isCancelled {
                highest.take((try? process.privateKiB()) ?? 0)
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        try await inParallel(rotations, width: 200) { index in
            _ = try await client.start(.rotate, of: "config-\(index)", Rotate())
        }
        sampling.cancel()
        report("private memory, 10,000 configs under load", highest.value, budgetMiB: 16)
        try await Task.sleep(for: .seconds(10))
        report("private memory, 10 s after it", try process.privateKiB(), budgetMiB: 6)
        process.stop()
        await field.end()
    }

    private func report(_ what: String, _ kib: Int, budgetMiB: Int) {
        Report.amount(what, String(format: "%.1f MiB", Double(kib) / 1024), budget: "≤ \(budgetMiB) MiB", isWithin: kib <= budgetMiB * 1024)
    }
}

final class Highest: @unchecked Sendable {
    // SAFETY: written by one sampling task, read after it was cancelled and its last sample no longer matters.
    private(set) var value = 0
    func take(_ sample: Int) { value = max(value, sample) }
}

struct FirstAnswerRow {
    let daemon: String
    let bare: String
    private let rounds = 15

    init(daemon: String, bare: String) {
        self.daemon = daemon
        self.bare = bare
    }

    func run() async throws {
        let few = try await Field(configs: 10, staged: 0)
        let many = try await Field(configs: 10_000, staged: 0)
        try await few.closeVault()
        try await many.closeVault()
        var times: (bare: [Duration], few: [Duration], many: [Duration]) = ([], [], [])
        let clock = ContinuousClock()
        for _ in 0..<rounds {
            times.bare.append(
                try clock.measure {
                    let process = Process()
                    process.executableURL = URL(fileURLWithPath: bare)
                    process.standardOutput = FileHandle.nullDevice
                    try process.run()
                    process.waitUntilExit()
                })
            times.few.append(try await answer(few))
            times.many.append(try await answer(many))
        }
        let ratio = times.few.median / times.bare.median
        Report.ratio(
            "first answer after activation / exec to exit of a bare Foundation program", ratio, budget: "≤ 1.5", isWithin: ratio <= 1.5,
            "median \(Int(times.few.median.microseconds)) µs against \(Int(times.bare.median.microseconds)) µs")
        let growth = times.many.median / times.few.median
        Report.ratio(
            "first answer with 10,000 configs / with 10", growth, budget: "≤ 1.2", isWithin: growth <= 1.2,
            "median \(Int(times.many.median.microseconds)) µs against \(Int(times.few.median.microseconds)) µs")
        await few.end()
        await many.end()
    }

    private func answer(_ field: Field) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        let process = try DaemonProcess(daemon, vault: "\(field.folder)/vault", socket: "\(field.folder)/s")
        _ = try await process.client.intakeKey()
        let time = clock.now - start
        process.stop()
        return time
    }
}
