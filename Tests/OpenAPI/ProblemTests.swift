import Model
import Testing
import Yams

@Suite struct `The problems in openapi.yaml` {
    private let document: APIDocument

    init() throws {
        document = try APIDocument()
    }

    @Test func `are the codes of the daemon, each with its status`() throws {
        let type = try document.schema("ProblemType")
        #expect(type.enumeration == Problem.Code.allCases.map { "urn:keyturn:problem:\($0.rawValue)" })
        let statuses = Dictionary(uniqueKeysWithValues: type.node["x-status"].members.map { ($0.0, $0.1.int) })
        #expect(statuses == Dictionary(uniqueKeysWithValues: Problem.Code.allCases.map { ($0.rawValue, $0.status) }))
    }

    @Test func `stand at each call under the status that they travel with`() {
        for operation in document.operations {
            for (status, reply) in operation.responses
            where reply["$ref"]?.string == "#/components/responses/Problem" && status != "default" {
                let codes = Self.codes(in: reply["description"]?.string ?? "")
                #expect(!codes.isEmpty, "\(operation.call) \(status)")
                for code in codes { #expect(Problem.Code(rawValue: code)?.status == Int(status), "\(operation.call) \(status) \(code)") }
            }
            #expect(operation.responses.contains { $0.status == "default" }, "\(operation.call)")
        }
    }

    @Test func `are each named at some call, or as what every call can get`() {
        let everywhere = document.root["components"]?["responses"]?["Problem"]?["description"]?.string ?? ""
        let named = document.operations.flatMap { $0.responses.map { $0.node["description"]?.string ?? "" } } + [everywhere]
        #expect(Set(named.flatMap(Self.codes)).isSuperset(of: Problem.Code.allCases.map(\.rawValue)))
    }

    /// What stands in backticks.
    private static func codes(in text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
