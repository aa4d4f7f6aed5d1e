import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations
import Rotations

extension Routes {
    func addConfigs(to router: Router<APIContext>) {
        router.get("/v1/configs") { request, context in
            let query = try QueryParameters(request, known: PageRequest.parameters.union(["state", "due"]))
            let page = try PageRequest(query)
            let (items, next) = try await service.configs(
                after: page.after, limit: page.limit, filter: try filter(query), as: context.caller)
            let now = clock.now()
            return Response.json(Page(items: items.map { Config($0, at: now) }, next: PageRequest.cursor(next)))
        }
        router.get("/v1/configs/:name") { _, context in try await show(context.configName, context) }
        router.put("/v1/configs/:name") { request, context in
            let name = try context.configName
            let body = try await request.read(PutConfig.self, context)
            try await service.putConfig(name, ConfigSettings(body), expectation(request), as: context.caller)
            return try await show(name, context)
        }
        router.delete("/v1/configs/:name") { request, context in
            let purge = try QueryParameters(request, known: ["purge"]).flag("purge")
            try await service.removeConfig(context.configName, purge ? .purged : .recoverable, as: context.caller)
            return Response.done
        }
        router.post("/v1/configs/:name/undelete") { request, context in
            _ = try await request.read(NoFields.self, context)
            try await service.undeleteConfig(context.configName, as: context.caller)
            return try await show(context.configName, context)
        }
        router.post("/v1/configs/:name/pause") { request, context in
            let body = try await request.read(PauseConfig.self, context)
            let until = try body.until.map { (text) throws(Problem) in
                try parsed("until", text) { (text) throws(InvalidValue) in try Timestamp(text) }
            }
            try await service.pause(context.configName, until: until, reason: try checkedText("reason", body.reason), as: context.caller)
            return try await show(context.configName, context)
        }
        router.post("/v1/configs/:name/resume") { request, context in
            _ = try await request.read(NoFields.self, context)
            try await service.resumeConfig(context.configName, as: context.caller)
            return try await show(context.configName, context)
        }
    }

    func addReleasing(to router: Router<APIContext>) {
        router.post("/v1/configs/:name/release") { request, context in
            _ = try await request.read(NoFields.self, context)
            try await service.release(context.configName, as: context.caller)
            return try await show(context.configName, context)
        }
        router.post("/v1/release") { request, context in
            _ = try await request.read(NoFields.self, context)
            try await service.releaseAll(as: context.caller)
            return Response.done
        }
    }

    private func show(_ name: ConfigName, _ context: APIContext) async throws -> Response {
        let snapshot = try await service.config(name, as: context.caller)
        return Response.json(Config(snapshot, at: clock.now()), headers: [.eTag: "\"\(snapshot.revision)\""])
    }

    private func filter(_ query: QueryParameters) throws(Problem) -> VaultService.ConfigFilter {
        if try query.flag("due") {
            guard query["state"] == nil else { throw Problem(.badRequest, "The query takes one of 'due' and 'state', not both.") }
            return .due
        }
        guard let state = query["state"] else { return .all }
        return .state(try parsed("state", state) { (text) throws(InvalidValue) in try ConfigState(text) })
    }

    private func expectation(_ request: Request) throws(Problem) -> Expectation {
        guard let tag = try request.single(.ifMatch) else { return .anything }
        guard tag.hasPrefix("\""), tag.hasSuffix("\""), let revision = Int64(tag.dropFirst().dropLast()) else {
            throw .badField("If-Match", InvalidValue("an ETag as GET returned it"))
        }
        return .revision(revision)
    }
}

/// Text that a person gives, kept and shown.
func checkedText(_ field: String, _ text: String?) throws(Problem) -> String? {
    guard let text else { return nil }
    let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    guard text.utf8.count <= 200, isPlain else { throw .badField(field, InvalidValue("at most 200 bytes without control characters")) }
    return text
}

extension ConfigSettings {
    fileprivate init(_ body: PutConfig) throws(Problem) {
        let binding = ConfigRecord.Binding(
            upstream: try parsed("upstream", body.upstream) { (text) throws(InvalidValue) in try UpstreamName(text) },
            remoteID: try parsed("remote_id", body.remoteID) { (text) throws(InvalidValue) in try RemoteID(text) },
            aiType: try parsed("ai_type", body.aiType) { (text) throws(InvalidValue) in try AIType(text) },
            field: try parsed("field", body.field ?? "key") { (text) throws(InvalidValue) in try CredentialField(text) })
        self.init(
            binding: binding, every: try body.everySeconds.map { (number) throws(Problem) in try Self.seconds("every_seconds", number) },
            grace: try body.graceSeconds.map { (number) throws(Problem) in try Self.seconds("grace_seconds", number) } ?? Self.defaultGrace,
            proves: body.prove ?? true, description: body.description)
    }

    /// Bounded before it is computed with.
    private static func seconds(_ field: String, _ number: Int64) throws(Problem) -> Duration {
        guard (0...TimeSpan.longest.wholeSeconds).contains(number) else {
            throw .badField(field, InvalidValue("from 0 to \(TimeSpan.longest.wholeSeconds)"))
        }
        return .seconds(number)
    }
}
