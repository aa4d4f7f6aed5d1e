import Foundation
import KeyturnWire
import Testing
import Yams

/// A value as the daemon sends it, with `null` wherever there can be nothing to say.
struct ReplyCase: CustomTestStringConvertible, Sendable {
    let schema: String
    let json: Data

    var testDescription: String { schema }

    init(_ schema: String, _ value: some Encodable) {
        self.schema = schema
        json = WireJSON.encode(value)
    }

    private static let caller = Caller(uid: 0)
    private static let version = Version(version: 1, state: "staged", createdAt: "")
    private static let config = Config(
        name: "", upstream: "", remoteID: "", aiType: "", field: "", state: "", graceSeconds: 0, prove: true, paused: false,
        stagedVersions: 0,
        versions: [version], createdAt: "")
    private static let rotation = Rotation(
        id: "", config: "", kind: "", state: "", step: "", rotated: false, attempts: 0, cyclesUsed: 0, cyclesMax: 10, warnings: [],
        requestedBy: caller, startedAt: "")
    private static let upstream = Upstream(name: "", baseURL: "", allowPlainHTTP: false, bearer: "", configs: 0)
    private static let bearerLoss = BearerLoss(upstream: "", at: "", reason: "", nextStep: "")
    private static let entry = AuditEntry(seq: 1, at: "", event: "")
    private static let mark = AuditMark(seq: 0, mac: nil)
    private static let fault = AuditFault(code: "", seq: 0, detail: "")
    private static let verdict = AuditVerdict(
        begins: mark, checked: 0, last: mark, fault: nil, unchained: 0, inLog: true, end: true, quarantines: [entry])
    private static let slot = Slot(id: "", kind: "", createdAt: "", publicKey: "", vaultKey: "", wrapped: "")
    private static let rule = PolicyRule(name: "", configs: [], may: [])
    private static let attention = Attention(config: "", state: "", reason: "")

    static let all = [
        ReplyCase("Attention", attention),
        ReplyCase("AuditEntry", entry),
        ReplyCase("AuditFault", fault),
        ReplyCase("AuditMark", mark),
        ReplyCase("AuditVerdict", verdict),
        ReplyCase("AuditPage", Page(items: [entry], next: nil)),
        ReplyCase("BearerLoss", bearerLoss),
        ReplyCase("Caller", caller),
        ReplyCase("Config", config),
        ReplyCase("ConfigPage", Page(items: [config], next: nil)),
        ReplyCase("DryRun", DryRun(rotated: false, baseURL: "", remoteID: "", steps: [])),
        ReplyCase("Health", Health(status: "")),
        ReplyCase("IntakeKey", IntakeKey(keyID: "", key: "", purposes: [])),
        ReplyCase("NotDue", NotDue(rotated: false, reason: "")),
        ReplyCase("Problem", ProblemDocument(type: "", title: "", status: 400, detail: "")),
        ReplyCase("Quarantine", Quarantine(since: "", cause: "", reason: "", nextStep: "")),
        ReplyCase("Rotation", rotation),
        ReplyCase("RotationEvent", RotationEvent(at: "", event: "", config: "")),
        ReplyCase("RotationPage", Page(items: [rotation], next: nil)),
        ReplyCase("SealState", SealState(sealed: true)),
        ReplyCase("Slot", slot),
        ReplyCase("SlotPage", Page(items: [slot], next: nil)),
        ReplyCase("SlotRemoval", SlotRemoval(warnings: [])),
        ReplyCase(
            "Status", Status(version: "", sealed: true, configs: ["ok": 1], upstreams: 0, attention: [attention], slots: ["recipient": 1])),
        ReplyCase("Upstream", upstream),
        ReplyCase("UpstreamCheck", UpstreamCheck(upstream: "", outcome: "", bearerTried: true)),
        ReplyCase("UpstreamPage", Page(items: [upstream], next: nil)),
        ReplyCase("Version", version),
        ReplyCase("Whoami", Whoami(uid: 0, gid: 0, groups: [], pid: 1, rights: [])),
        ReplyCase("PolicyRule", rule),
        ReplyCase("PolicyExplanation", PolicyExplanation(allowed: true, right: "read", rules: [rule])),
    ]
}

@Suite struct `A reply in openapi.yaml` {
    @Test(arguments: ReplyCase.all) func `has the fields that the daemon sends, each of them always`(_ reply: ReplyCase) throws {
        let schema = try APIDocument().schema(reply.schema)
        let sent = try JSONDecoder().decode([String: JSONKind].self, from: reply.json)
        #expect(schema.fields == Set(sent.keys))
        #expect(schema.required == Set(sent.keys))
    }

    @Test(arguments: ReplyCase.all) func `says which fields may be null, and of which type the others are`(_ reply: ReplyCase) throws {
        let schema = try APIDocument().schema(reply.schema)
        let sent = try JSONDecoder().decode([String: JSONKind].self, from: reply.json)
        #expect(schema.nullable == Set(sent.filter { $0.value == .null }.keys))
        for (field, kind) in sent where kind != .null {
            let property = schema.property(field)
            // A property without a type of its own refers to an object's schema.
            #expect(property["type"]?.string == kind.rawValue, "\(field)")
        }
    }

    @Test func `and a request are all the objects that there are`() throws {
        let document = try APIDocument()
        let objects = try document.schemaNames.filter { try document.schema($0).node["type"]?.string == "object" }
        // An envelope is sealed: it never goes over the wire as it is.
        #expect(objects == Set(ReplyCase.all.map(\.schema) + RequestCase.all.map(\.schema) + ["Envelope"]))
    }
}

/// Of which JSON type a value is, by the names that JSON Schema has for them.
enum JSONKind: String, Decodable {
    case null, boolean, integer, string, array, object

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if (try? value.decode(Bool.self)) != nil {
            self = .boolean
        } else if (try? value.decode(Int64.self)) != nil {
            self = .integer
        } else if (try? value.decode(String.self)) != nil {
            self = .string
        } else if (try? value.decode([JSONKind].self)) != nil {
            self = .array
        } else {
            self = .object
        }
    }
}
