internal import Access
internal import Model
internal import Yams

/// Reads policy files one after the other, strictly, and tells all that is wrong with them by line and column.
struct PolicyReading {
    private(set) var rules: [PolicyRule] = []
    var errors: [SettingsError] = []
    private var path = ""

    mutating func read(_ text: String, at path: String) {
        self.path = path
        do {
            guard let root = try Yams.compose(yaml: text) else {
                errors.append(SettingsError(.wholeFile(path: path), "The file must hold 'rules', a list; 'rules: []' is none."))
                return
            }
            readFile(root)
        } catch {
            errors.append(SettingsError(yaml: error, path: path))
        }
    }

    private mutating func readFile(_ root: Node) {
        guard let fields = fields(of: root, named: "The file", known: ["rules"]) else { return }
        guard let list = fields["rules"], let sequence = list.sequence else {
            return complain(fields["rules"] ?? root, "The file must hold 'rules', a list; 'rules: []' is none.")
        }
        for node in sequence { readRule(node) }
    }

    private mutating func readRule(_ node: Node) {
        let before = errors.count
        guard let fields = fields(of: node, named: "A rule", known: ["name", "who", "configs", "may"]) else { return }
        let name = name(fields["name"], of: node)
        let who = who(fields["who"], of: node)
        let configs = list(fields["configs"], of: node, "configs") { (text) throws(InvalidValue) in try ConfigPattern(text) }
        let rights = list(fields["may"], of: node, "may") { (text) throws(InvalidValue) in
            guard let right = Right(rawValue: text) else {
                throw InvalidValue("one of " + Right.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return right
        }
        guard errors.count == before, let name, let who else { return }
        if !configs.contains(.all), let useless = rights.first(where: \.isForEverythingOnly) {
            return complain(
                fields["may"] ?? node, "'\(useless.rawValue)' is asked for on '*' alone: give it by a rule whose 'configs' is [\"*\"].")
        }
        rules.append(
            PolicyRule(
                name: name, who: who, configs: configs, rights: Set(rights),
                place: .init(path: path, line: node.mark?.line ?? 1)))
    }

    private mutating func name(_ node: Node?, of rule: Node) -> String? {
        guard let node, let name = node.text, (1...100).contains(name.utf8.count), name.unicodeScalars.allSatisfy({ $0.value >= 0x20 })
        else {
            complain(node ?? rule, "A rule must have a 'name' of 1 to 100 bytes.")
            return nil
        }
        if let other = rules.first(where: { $0.name == name }), let place = other.place {
            complain(node, "There is a rule '\(name)' already, at \(place.path):\(place.line).")
            return nil
        }
        return name
    }

    private mutating func who(_ node: Node?, of rule: Node) -> CallerPattern? {
        let known = ["unit", "uid", "user", "gid", "group"]
        guard let node else {
            complain(rule, "A rule must have 'who', with at least one of \(known.map { "'\($0)'" }.joined(separator: ", ")).")
            return nil
        }
        guard let fields = fields(of: node, named: "'who'", known: known) else { return nil }
        guard !fields.isEmpty else {
            complain(node, "'who' must have at least one of \(known.map { "'\($0)'" }.joined(separator: ", ")).")
            return nil
        }
        for (one, other) in [("uid", "user"), ("gid", "group")] where fields[one] != nil && fields[other] != nil {
            complain(fields[other] ?? node, "'who' can have '\(one)' or '\(other)', not both.")
        }
        let unit = one(fields["unit"], "who.unit") { (text) throws(InvalidValue) in try UnitPattern(text) }
        let number = { (text: String) throws(InvalidValue) -> UInt32 in
            guard let number = UInt32(text), number != .max else { throw InvalidValue("a number from 0 to 4294967294") }
            return number
        }
        let uid = one(fields["uid"], "who.uid", number)
        let gid = one(fields["gid"], "who.gid", number)
        let user = one(fields["user"], "who.user") { (text) throws(InvalidValue) in
            guard let uid = Accounts.uid(ofUser: text) else { throw InvalidValue("the name of a user that there is") }
            return uid
        }
        let group = one(fields["group"], "who.group") { (text) throws(InvalidValue) in
            guard let gid = Accounts.gid(ofGroup: text) else { throw InvalidValue("the name of a group that there is") }
            return gid
        }
        return CallerPattern(unit: unit, uid: uid ?? user, gid: gid ?? group)
    }

    // MARK: Nodes

    private mutating func fields(of node: Node, named what: String, known: [String]) -> [String: Node]? {
        guard let mapping = node.mapping else {
            complain(node, "\(what) must hold fields: \(known.map { "'\($0)'" }.joined(separator: ", ")).")
            return nil
        }
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string, known.contains(name) else {
                let near = key.string.flatMap { Spelling.nearest(to: $0, among: known) }
                complain(
                    key,
                    near.map { "There is no field '\(key.string ?? "")' here; did you mean '\($0)'?" }
                        ?? "\(what) has an unknown field; there are \(known.map { "'\($0)'" }.joined(separator: ", ")).")
                continue
            }
            fields[name] = value
        }
        return fields
    }

    private mutating func one<Value>(_ node: Node?, _ field: String, _ parse: (String) throws(InvalidValue) -> Value) -> Value? {
        guard let node else { return nil }
        guard let text = node.text else {
            complain(node, "'\(field)' must be a single value.")
            return nil
        }
        do throws(InvalidValue) { return try parse(text) } catch {
            complain(node, "'\(field)' must be \(error.rule).")
            return nil
        }
    }

    private mutating func list<Value>(
        _ node: Node?, of rule: Node, _ field: String, _ parse: (String) throws(InvalidValue) -> Value
    ) -> [Value] {
        guard let node, let sequence = node.sequence, !sequence.isEmpty else {
            complain(node ?? rule, "A rule must have '\(field)', a list with at least one entry.")
            return []
        }
        return sequence.compactMap { one($0, field, parse) }
    }

    private mutating func complain(_ node: Node, _ message: String) {
        errors.append(SettingsError(node.place(in: path), message))
    }
}
