import Flashback
import Foundation
import Model
import Operations
import Outbound
import SQLiteEngine
import Secrets
import Vault

/// What the parts of a rotation cost by themselves: the same PUT and validate, and two durable commits of one row.
final class BareParts: Sendable {
    let client: HTTPClient
    let engine: SQLiteFile
    let bearer: Secret

    init(_ field: Field) throws {
        client = HTTPClient(
            baseURL: field.address.baseURL, trust: try Trust(caPEM: field.address.caPEM, pinSHA256: nil), contexts: TLSContexts())
        engine = try SQLiteFile(path: "\(field.folder)/bare.db", mode: .create, lock: nil)
        bearer = Secret(count: Field.bearer.utf8.count) { $0.copyBytes(from: Field.bearer.utf8) }
    }

    func requests(_ index: Int) async throws {
        let text = #"{"key":"bare-\#(index)"}"#
        let body = Secret(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
        try expect(await client.send(Request(.put, "/ai/llm/remote-\(index)"), bearer: bearer, body: body))
        try expect(await client.send(Request(.post, "/ai/llm/remote-\(index)/validate"), bearer: bearer))
    }

    func commits(_ index: Int, _ round: Int) throws {
        for part in 0..<2 {
            let key = [UInt8(0x20)] + withUnsafeBytes(of: (index * 2 + part + round * 1_000_000).bigEndian) { Array($0) }
            try engine.commit([EngineChange(key: key, expecting: 0, becomes: .init(revision: 1, value: [UInt8](repeating: 7, count: 512)))])
        }
    }

    private func expect(_ outcome: Outcome) throws {
        guard case .response(let response) = outcome, response.status == 200 else {
            throw BenchFailure("the bare request failed: \(outcome)")
        }
    }
}

enum RotationRow {
    private static let rounds = 400

    static func run() async throws {
        let field = try await Field(configs: rounds, staged: rounds)
        let bare = try BareParts(field)
        for index in 0..<20 { try await bare.requests(index) }  // warm connections
        var ours: [Duration] = []
        var theirs: [Duration] = []
        let clock = ContinuousClock()
        for index in 0..<rounds {
            ours.append(try await clock.measure { try await field.rotate(index) })
            theirs.append(
                try await clock.measure {
                    try await bare.requests(index)
                    try bare.commits(index, 0)
                })
        }
        let ratio = ours.median / theirs.median
        Report.ratio(
            "rotation alone / the same requests and commits bare", ratio, budget: "≤ 1.25", isWithin: ratio <= 1.25,
            "median \(Int(ours.median.microseconds)) µs against \(Int(theirs.median.microseconds)) µs")
        await field.end()
    }
}

enum TogetherRow {
    private static let count = 1000

    static func run() async throws {
        let field = try await Field(configs: count, staged: count)
        let bare = try BareParts(field)
        let clock = ContinuousClock()
        for index in 0..<20 { try await bare.requests(index) }
        let theirs = try await clock.measure { try await inParallel(count, width: 8) { try await bare.requests($0) } }
        let ours = try await clock.measure { try await inParallel(count, width: count) { try await field.rotate($0) } }
        let again = try await clock.measure { try await inParallel(count, width: 8) { try await bare.requests($0) } }
        let ratio = (theirs + again) / 2 / ours
        Report.ratio(
            "1,000 rotations at once, throughput / bare requests 8 in flight", ratio, budget: "≥ 0.8", isWithin: ratio >= 0.8,
            "\(Int(Double(count) / (ours.microseconds / 1e6)))/s against \(Int(Double(count) / ((theirs + again).microseconds / 2e6)))/s")
        await field.end()
    }
}

enum ManyConfigsRow {
    private static let rounds = 200

    static func run() async throws {
        var fields: [Int: Field] = [:]
        for count in [10, 100_000] { fields[count] = try await Field(configs: count, staged: 10) }
        var medians: [Int: Duration] = [:]
        var times: [Int: [Duration]] = [10: [], 100_000: []]
        let clock = ContinuousClock()
        for round in 0..<rounds {
            for count in [10, 100_000] {
                guard let field = fields[count] else { continue }
                times[count]?.append(try await clock.measure { try await field.rotate(round % 10) })
                try await field.stage(round % 10, "key-\(round)", .next)
            }
        }
        for (count, all) in times { medians[count] = all.median }
        guard let few = medians[10], let many = medians[100_000] else { return }
        Report.ratio(
            "a rotation with 100,000 configs / with 10", many / few, budget: "≤ 1.2", isWithin: many / few <= 1.2,
            "median \(Int(many.microseconds)) µs against \(Int(few.microseconds)) µs")
        for field in fields.values { await field.end() }
    }
}
