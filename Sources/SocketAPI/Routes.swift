package import Access
import FoundationEssentials
package import Hummingbird
import KeyturnWire
import Model
package import Operations
package import Rotations

/// Every call of the socket API, by path: decodes, calls the operation of the same name, encodes.
package struct Routes: Sendable {
    let service: VaultService
    let events: EventHub
    /// For what goes on after its request: each event is decided on the policy of its moment.
    let policy: PolicyInForce
    let clock: any RotationClock
    let version: String
    let open: OpenPages

    package init(
        service: VaultService, events: EventHub, policy: PolicyInForce, clock: any RotationClock, version: String, open: OpenPages
    ) {
        self.service = service
        self.events = events
        self.policy = policy
        self.clock = clock
        self.version = version
        self.open = open
    }

    package func add(to router: Router<APIContext>) {
        addVault(to: router)
        addSlots(to: router)
        addUpstreams(to: router)
        addConfigs(to: router)
        addReleasing(to: router)
        addVersions(to: router)
        addRotations(to: router)
        addPolicy(to: router)
        addAudit(to: router)
    }
}

/// What a list's `?after=` and `?limit=` say.
struct PageRequest {
    let after: [UInt8]?
    let limit: Int

    static let parameters: Set = ["after", "limit"]
    private static let limitMax = 1000
    private static let limitDefault = 100

    init(_ query: QueryParameters) throws(Problem) {
        limit = try query.number("limit", in: 1...Self.limitMax, default: Self.limitDefault)
        after = try query["after"].map { (text) throws(Problem) in
            guard let cursor = Self.bytes(text) else { throw .badField("after", InvalidValue("the 'next' of the page before")) }
            return cursor
        }
    }

    static func cursor(_ bytes: [UInt8]?) -> String? {
        bytes.map { Data($0).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "") }
    }

    private static func bytes(_ cursor: String) -> [UInt8]? {
        let padding = String(repeating: "=", count: (4 - cursor.utf8.count % 4) % 4)
        let base64 = cursor.replacing("-", with: "+").replacing("_", with: "/") + padding
        return Data(base64Encoded: base64).flatMap { $0.isEmpty || $0.count > 64 ? nil : Array($0) }
    }
}

extension APIContext {
    /// A part of the path, parsed once.
    func path<Value>(_ name: String, _ parse: (String) throws(InvalidValue) -> Value) throws(Problem) -> Value {
        // No name or id has a character that would need a percent escape: what has one is refused as it stands.
        do throws(InvalidValue) { return try parse(parameters.get(name) ?? "") } catch { throw .badField(name, error) }
    }

    var configName: ConfigName { get throws(Problem) { try path("name") { (text) throws(InvalidValue) in try ConfigName(text) } } }
    var upstreamName: UpstreamName { get throws(Problem) { try path("name") { (text) throws(InvalidValue) in try UpstreamName(text) } } }
    var rotationID: RotationID { get throws(Problem) { try path("id") { (text) throws(InvalidValue) in try RotationID(text) } } }
}

/// A field of a body, parsed once; what is wrong with it names the field.
func parsed<Text, Value>(_ field: String, _ text: Text, _ parse: (Text) throws(InvalidValue) -> Value) throws(Problem) -> Value {
    do { return try parse(text) } catch { throw .badField(field, error) }
}
