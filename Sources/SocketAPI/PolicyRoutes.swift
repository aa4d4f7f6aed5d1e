import Access
import Host
import Hummingbird
import KeyturnWire
import Model
import Operations

extension Routes {
    /// Who may do what, and why.
    func addPolicy(to router: Router<APIContext>) {
        router.get("/v1/policy/explain") { request, context in
            let question = try PolicyQuestion(
                try QueryParameters(request, known: PolicyQuestion.parameters), asker: context.caller.identity)
            let answer = try service.explain(question.right, on: question.scope, for: question.caller, as: context.caller)
            return Response.json(
                PolicyExplanation(
                    allowed: answer.granting != nil, right: question.right.rawValue, config: question.config?.description,
                    rule: answer.granting.map(KeyturnWire.PolicyRule.init), rules: answer.matching.map(KeyturnWire.PolicyRule.init)))
        }
    }
}

/// "May this caller do that?"; about who asks, where no caller is described.
struct PolicyQuestion {
    let right: Right
    let config: ConfigName?
    let caller: CallerIdentity

    static let parameters: Set = ["right", "config", "uid", "gid", "groups", "unit"]

    var scope: Scope { config.map(Scope.config) ?? .everything }

    init(_ query: QueryParameters, asker: CallerIdentity) throws(Problem) {
        guard let text = query["right"], let right = Right(rawValue: text) else {
            throw .badField("right", InvalidValue("one of " + Right.allCases.map(\.rawValue).joined(separator: ", ")))
        }
        self.right = right
        config = try query["config"].map { (text) throws(Problem) in
            try parsed("config", text) { (text) throws(InvalidValue) in try ConfigName(text) }
        }
        let isAboutAsker = ["uid", "gid", "groups", "unit"].allSatisfy { query[$0] == nil }
        if isAboutAsker {
            caller = asker
            return
        }
        guard let uid = try Self.id(query, "uid") else {
            throw .badField("uid", InvalidValue("given where another caller is described"))
        }
        let groups = try query["groups"].map { (text) throws(Problem) in
            try text.split(separator: ",").map { (part) throws(Problem) in try Self.id(String(part), "groups") }
        }
        caller = CallerIdentity(uid: uid, gid: try Self.id(query, "gid") ?? uid, groups: groups ?? [], pid: 0, unit: query["unit"])
    }

    private static func id(_ query: QueryParameters, _ name: String) throws(Problem) -> UInt32? {
        try query[name].map { (text) throws(Problem) in try id(text, name) }
    }

    private static func id(_ text: String, _ name: String) throws(Problem) -> UInt32 {
        guard let id = UInt32(text) else { throw .badField(name, InvalidValue("a number from 0 to 4294967295")) }
        return id
    }
}

extension KeyturnWire.PolicyRule {
    init(_ rule: Access.PolicyRule) {
        self.init(
            name: rule.name, configs: rule.configs.map(\.description),
            may: Right.allCases.filter(rule.rights.contains).map(\.rawValue), file: rule.place?.path,
            line: rule.place.map { Int64($0.line) })
    }
}

extension Whoami {
    init(_ caller: Access.Caller) {
        let identity = caller.identity
        self.init(
            uid: Int64(identity.uid), user: Machine.userName(identity.uid), gid: Int64(identity.gid),
            groups: identity.groups.map(Int64.init), pid: Int64(identity.pid), unit: identity.unit,
            rights: Right.allCases.filter { caller.may($0, on: .everything) }.map(\.rawValue),
            rules: caller.rules.map(KeyturnWire.PolicyRule.init))
    }
}
