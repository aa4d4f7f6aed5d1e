import Model
import Yams

/// Reads one YAML text into settings, strictly, and tells all that is wrong with it by line and column.
struct SettingsFile {
    let path: String
    private(set) var errors: [SettingsError] = []

    init(path: String) {
        self.path = path
    }

    mutating func read(_ text: String, into settings: inout DaemonSettings) {
        do {
            // A file of comments alone has no root.
            guard let root = try Yams.compose(yaml: text) else { return }
            apply(root, fields: SettingsField.all, prefix: "", to: &settings)
        } catch {
            errors.append(SettingsError(yaml: error, path: path))
        }
    }

    private mutating func apply(_ node: Node, fields: [SettingsField], prefix: String, to settings: inout DaemonSettings) {
        guard let mapping = node.mapping else {
            return complain(node, prefix.isEmpty ? "The file must hold fields, 'name: value'." : "'\(prefix.dropLast())' must hold fields.")
        }
        for (key, value) in mapping {
            guard let name = key.string, let field = fields.first(where: { $0.name == name }) else {
                complain(key, unknown(key.string, among: fields, prefix: prefix))
                continue
            }
            do throws(InvalidValue) {
                try apply(value, to: field, prefix: prefix, &settings)
            } catch {
                complain(value, "'\(prefix)\(name)' must be \(error.rule).")
            }
        }
    }

    private mutating func apply(
        _ value: Node, to field: SettingsField, prefix: String, _ settings: inout DaemonSettings
    ) throws(InvalidValue) {
        switch field.set {
        case .one(let set):
            guard let text = value.text else { throw InvalidValue("a single value") }
            try set(&settings, text)
        case .list(let set):
            let texts = value.sequence.map { $0.map(\.text) } ?? []
            guard value.sequence != nil, texts.allSatisfy({ $0 != nil }) else { throw InvalidValue("a list") }
            try set(&settings, texts.compactMap(\.self))
        case .group(let fields):
            apply(value, fields: fields, prefix: prefix + field.name + ".", to: &settings)
        }
    }

    private mutating func complain(_ node: Node, _ message: String) {
        errors.append(SettingsError(node.place(in: path), message))
    }

    private func unknown(_ name: String?, among fields: [SettingsField], prefix: String) -> String {
        let shown = name.map { "There is no field '\(prefix)\($0)'" } ?? "A field's name must be text"
        if let name, let near = Spelling.nearest(to: name, among: fields.map(\.name)) {
            return "\(shown); did you mean '\(prefix)\(near)'?"
        }
        return "\(shown); there are \(fields.map { "'\(prefix)\($0.name)'" }.joined(separator: ", "))."
    }
}

extension SettingsError {
    /// What the parser has to say, at the place where it stopped.
    init(yaml error: any Error, path: String) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            self.init(.file(path: path, line: mark.line, column: mark.column), "This is not valid YAML: \(problem).")
        case .duplicatedKeysInMapping(let names, let context):
            self.init(
                .file(path: path, line: context.mark.line, column: context.mark.column),
                "There more than once: \(names.map { "'\($0)'" }.joined(separator: ", ")).")
        default: self.init(.wholeFile(path: path), "This is not valid YAML in UTF-8.")
        }
    }
}

/// Finds the name that was meant.
enum Spelling {
    /// At most two letters apart; nothing nearer to several.
    static func nearest(to name: String, among names: [String]) -> String? {
        names.map { ($0, distance(name, $0)) }.filter { $0.1 <= 2 }.min { $0.1 < $1.1 }?.0
    }

    /// Levenshtein's, over bytes.
    private static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        var row = Array(0...other.count)
        for (index, byte) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let changed = diagonal + (byte == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
