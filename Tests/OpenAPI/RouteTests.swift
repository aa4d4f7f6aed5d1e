import Model
import Access
import Hummingbird
import KeyturnWire
import Operations
import SocketAPI
import TestSupport
import Testing
import Yams

@Suite struct `The calls in openapi.yaml` {
    private let document: APIDocument

    init() throws {
        document = try APIDocument()
    }

    @Test func `are the routes of the daemon, no more and no fewer`() async throws {
        let harness = try await ServiceHarness()
        let router = Router(context: APIContext.self)
        Routes(
            service: harness.service, events: harness.events, policy: PolicyInForce(.ownerOnly(daemonUID: 0)), clock: harness.clock,
            version: "0",
            open: OpenPages(
                service: harness.service, tally: Tally(clock: harness.clock), requests: RequestTally(), clock: harness.clock, version: "0",
                disk: { nil }, reloadRefused: { nil })
        ).add(to: router)
        let routes = Set(router.routes.map { "\($0.method.rawValue) \(Self.documented($0.path.description))" })
        let documented = Set(document.operations.map(\.call))
        #expect(routes.subtracting(documented) == [], "routes that are not documented")
        #expect(documented.subtracting(routes) == [], "documented calls that the daemon does not have")
    }

    /// `/v1/configs/:name` is `/v1/configs/{name}` there.
    private static func documented(_ path: String) -> String {
        path.split(separator: "/").map { $0.hasPrefix(":") ? "/{\($0.dropFirst())}" : "/\($0)" }.joined()
    }

    @Test func `have an operationId each, all different`() {
        let ids = document.operations.map(\.id)
        #expect(!ids.contains(nil))
        #expect(Set(ids).count == ids.count)
    }

    @Test func `declare the parameters of their path`() {
        for operation in document.operations {
            let path = String(operation.call.drop { $0 != " " }.dropFirst())
            let item = document.root["paths"]?[path]
            let declared = (item?["parameters"].items ?? []) + operation.node["parameters"].items
            let names = declared.map(document.resolved).filter { $0["in"]?.string == "path" }.compactMap { $0["name"]?.string }
            let inPath = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
            #expect(names.sorted() == inPath.sorted(), "\(operation.call)")
        }
    }

    @Test func `are of this release`() {
        #expect(document.root["info"]?["version"]?.string == Release.version)
    }

    @Test func `refer only to what there is`() {
        for reference in document.references {
            let target = reference.split(separator: "/").dropFirst().reduce(Optional(document.root)) { $0?[String($1)] }
            #expect(reference.hasPrefix("#/") && target != nil, "\(reference)")
        }
    }
}
