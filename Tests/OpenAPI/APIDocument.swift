import Foundation
import Yams

/// `docs/openapi.yaml` as it stands in the tree, read as far as the tests want to know it.
struct APIDocument {
    let root: Node

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/openapi.yaml").standardizedFileURL
        guard let root = try compose(yaml: String(contentsOf: file, encoding: .utf8)) else { throw NotThere(what: "a YAML document") }
        self.root = root
    }

    struct NotThere: Error {
        let what: String
    }

    /// One call, such as `GET /v1/configs/{name}`.
    struct Operation {
        let call: String
        let node: Node

        var id: String? { node["operationId"]?.string }
        var responses: [(status: String, node: Node)] { node["responses"].members }
    }

    private static let methods: Set = ["get", "put", "post", "patch", "delete", "head", "options", "trace"]

    var operations: [Operation] {
        root["paths"].members.flatMap { path, item in
            item.mapped.filter { Self.methods.contains($0.0) }.map { Operation(call: "\($0.0.uppercased()) \(path)", node: $0.1) }
        }
    }

    var schemaNames: Set<String> { Set(root["components"]?["schemas"].members.map(\.0) ?? []) }

    func schema(_ name: String) throws -> Schema {
        guard let node = root["components"]?["schemas"]?[name] else { throw NotThere(what: "the schema \(name)") }
        return Schema(node: node, document: self)
    }

    /// What a `$ref` of this document points to, or the node itself.
    func resolved(_ node: Node) -> Node {
        guard let reference = node["$ref"]?.string else { return node }
        return reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] ?? "" }
    }

    /// All `$ref`s, wherever they are.
    var references: [String] { Self.references(in: root) }

    private static func references(in node: Node) -> [String] {
        switch node {
        case .mapping: node.mapped.flatMap { $0.0 == "$ref" ? [$0.1.string ?? ""] : references(in: $0.1) }
        case .sequence(let items): items.flatMap { references(in: $0) }
        case .scalar, .alias: []
        }
    }
}

/// A schema of a JSON object.
struct Schema {
    let node: Node
    let document: APIDocument

    var fields: Set<String> { Set(node["properties"].members.map(\.0)) }
    var required: Set<String> { Set(node["required"].texts) }
    var refusesUnknownFields: Bool { node["additionalProperties"]?.bool == false }
    var enumeration: [String] { node["enum"].texts }

    func property(_ name: String) -> Node { document.resolved(node["properties"]?[name] ?? "") }

    /// Those that may be `null`: by a list of types, or by one of several schemas.
    var nullable: Set<String> {
        fields.filter { name in
            let property = property(name)
            return property["type"].texts.contains("null") || property["oneOf"].items.contains { $0["type"]?.string == "null" }
        }
    }
}

extension Node {
    var mapped: [(String, Node)] { mapping.map { $0.map { ($0.key.string ?? "", $0.value) } } ?? [] }
}

extension Node? {
    var members: [(String, Node)] { self?.mapped ?? [] }
    var items: [Node] { self?.sequence.map { Array($0) } ?? [] }
    var texts: [String] { items.compactMap(\.string) }
}
