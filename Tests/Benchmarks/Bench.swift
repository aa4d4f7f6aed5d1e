import ArgumentParser
import Foundation

/// Prints each row of the budgets, as ratios within this one run. `docs/benchmarks.md` tells how to repeat it.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyturn-benchmarks", abstract: "Measure what design budgets ask for, as ratios in one run.")

    @Option(help: "The built keyturnd.") var daemon: String
    @Option(help: "The built bare-program.") var bare: String
    @Option(help: "Rows to run: rotation, together, memory, backup, first, many.") var rows = "rotation,together,memory,backup,first,many"

    func run() async throws {
        let rows = rows.split(separator: ",").map(String.init)
        for row in rows {
            switch row {
            case "rotation": try await RotationRow.run()
            case "together": try await TogetherRow.run()
            case "memory": try await MemoryRow(daemon: daemon).run()
            case "backup": try await BackupRow(daemon: daemon).run()
            case "first": try await FirstAnswerRow(daemon: daemon, bare: bare).run()
            case "many": try await ManyConfigsRow.run()
            default: throw ValidationError("There is no row '\(row)'.")
            }
        }
    }
}

/// How a row comes out, one line each.
enum Report {
    static func ratio(_ what: String, _ ratio: Double, budget: String, isWithin: Bool, _ detail: String) {
        line("\(isWithin ? "ok  " : "OVER") \(what): \(String(format: "%.2f", ratio)) (budget \(budget)); \(detail)")
    }

    static func amount(_ what: String, _ amount: String, budget: String, isWithin: Bool) {
        line("\(isWithin ? "ok  " : "OVER") \(what): \(amount) (budget \(budget))")
    }

    static func note(_ text: String) { line("     \(text)") }

    private static func line(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}

extension Duration {
    var microseconds: Double { Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12 }
}

extension Array where Element == Duration {
    var median: Duration { sorted()[count / 2] }
}
