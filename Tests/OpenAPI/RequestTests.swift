import Foundation
import KeyturnWire
import Testing
import Yams

/// A body that callers send, and what it takes to be read.
struct RequestCase: CustomTestStringConvertible, Sendable {
    let schema: String
    /// As little as there must be.
    let least: [String: any Encodable & Sendable]
    let fields: Set<String>
    let read: @Sendable (Data) throws -> Void

    var testDescription: String { schema }

    init<Body: RequestBody>(_ body: Body.Type, _ schema: String, least: [String: any Encodable & Sendable] = [:]) {
        self.schema = schema
        self.least = least
        fields = Set(Body.Fields.allCases.map(\.stringValue))
        read = { _ = try Body.read($0) }
    }

    private static let start = AuditMark(seq: 0, mac: nil)

    static let all = [
        RequestCase(NoFields.self, "NoFields"),
        RequestCase(AddSlot.self, "AddSlot", least: ["kind": "recipient", "public_key": "AAAA"]),
        RequestCase(Unseal.self, "Unseal"),
        RequestCase(PatchRemote.self, "PatchRemote"),
        RequestCase(PauseConfig.self, "PauseConfig"),
        RequestCase(PutConfig.self, "PutConfig", least: ["upstream": "fb", "remote_id": "id", "ai_type": "OPENAI"]),
        RequestCase(PutUpstream.self, "PutUpstream", least: ["base_url": "https://backend.test"]),
        RequestCase(Resolve.self, "Resolve", least: ["how": "retry"]),
        RequestCase(Rotate.self, "Rotate"),
        RequestCase(VerifyAudit.self, "VerifyAudit"),
        RequestCase(VerifyAuditExport.self, "VerifyAuditExport", least: ["after": start, "entries": [AuditEntry]()]),
        RequestCase(PruneAudit.self, "PruneAudit", least: ["after": start, "through": start]),
        RequestCase(StageVersion.self, "StageVersion", least: ["encrypted_value": "AAAA", "key_id": "0123456789abcdef"]),
    ]
}

@Suite struct `A request body in openapi.yaml` {
    @Test(arguments: RequestCase.all) func `has the fields of the wire type`(_ request: RequestCase) throws {
        let schema = try APIDocument().schema(request.schema)
        #expect(schema.fields == request.fields)
        #expect(schema.refusesUnknownFields)
    }

    @Test(arguments: RequestCase.all) func `requires what the daemon can't do without`(_ request: RequestCase) throws {
        let schema = try APIDocument().schema(request.schema)
        #expect(schema.required == Set(request.least.keys))
        try request.read(Self.body(request.least))
        for field in request.least.keys {
            let rest = request.least.filter { $0.key != field }
            #expect(throws: UnreadableBody.self, "without \(field)") { try request.read(Self.body(rest)) }
        }
    }

    @Test(arguments: RequestCase.all) func `lets all the others be null`(_ request: RequestCase) throws {
        let schema = try APIDocument().schema(request.schema)
        #expect(schema.nullable == schema.fields.subtracting(schema.required))
        let nulls = Dictionary(uniqueKeysWithValues: schema.nullable.map { ($0, String?.none as any Encodable & Sendable) })
        try request.read(Self.body(request.least.merging(nulls) { one, _ in one }))
    }

    private static func body(_ fields: [String: any Encodable & Sendable]) throws -> Data {
        let parts = try fields.map { "\"\($0)\":" + String(decoding: try JSONEncoder().encode($1), as: UTF8.self) }
        return Data("{\(parts.joined(separator: ","))}".utf8)
    }
}
