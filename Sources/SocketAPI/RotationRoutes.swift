import Access
import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations
import Rotations

extension Routes {
    func addRotations(to router: Router<APIContext>) {
        router.post("/v1/configs/:name/rotate") { request, context in try await rotate(.rotate, request, context) }
        router.post("/v1/configs/:name/rollback") { request, context in try await rotate(.rollback, request, context) }
        router.post("/v1/configs/:name/prove") { request, context in try await rotate(.prove, request, context) }
        router.patch("/v1/configs/:name/remote") { request, context in
            let body = try await request.read(PatchRemote.self, context)
            var wanted = RotationRequest(.remote)
            wanted.fields = RemoteFields(
                name: try body.name.map { (text) throws(Problem) in try RemoteFields.checked(text, "name") },
                endpoint: try body.endpoint.map { (text) throws(Problem) in try RemoteFields.checked(text, "endpoint") },
                aiType: try body.aiType.map { (text) throws(Problem) in
                    try parsed("ai_type", text) { (text) throws(InvalidValue) in try AIType(text) }
                })
            return try await perform(wanted, request, context)
        }
        router.get("/v1/rotations") { request, context in
            let query = try QueryParameters(request, known: PageRequest.parameters.union(["config"]))
            let page = try PageRequest(query)
            let config = try query["config"].map { (text) throws(Problem) in
                try parsed("config", text) { (text) throws(InvalidValue) in try ConfigName(text) }
            }
            let (items, next) = try await service.rotations(of: config, after: page.after, limit: page.limit, as: context.caller)
            let nextSteps = try await service.nextSteps(after: items)
            return Response.json(Page(items: items.map { shown($0, nextSteps, context) }, next: PageRequest.cursor(next)))
        }
        router.get("/v1/rotations/:id") { _, context in
            Response.json(try await shown(service.rotation(context.rotationID, as: context.caller), context))
        }
        router.post("/v1/rotations/:id/cancel") { request, context in
            _ = try await request.read(NoFields.self, context)
            let id = try context.rotationID
            switch try await context.whileCallerListens({ try await service.cancel(id, as: context.caller) }) {
            case .rotation(let rotation): return Response.json(try await shown(rotation, context))
            case .interrupted(let rotation, let problem): throw ProblemReply(problem, rotation: try await shown(rotation, context))
            case .notDue: preconditionFailure("cancelling has no due time")
            }
        }
        router.post("/v1/rotations/:id/resolve") { request, context in
            let body = try await request.read(Resolve.self, context)
            guard let resolution = Resolution(rawValue: body.how) else {
                throw Problem.badField("how", InvalidValue(Resolution.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")))
            }
            let id = try context.rotationID
            let isAsync = prefersAsync(request)
            let reply = try await context.whileCallerListens {
                try await service.resolve(id, resolution, isAsync ? .not : .untilSettled, as: context.caller)
            }
            return try await answer(reply, isAsync: isAsync, context)
        }
        router.get("/v1/events") { request, context in try await watch(request, context) }
    }

    private func rotate(_ kind: RotationPlan.Kind, _ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await request.read(Rotate.self, context)
        if kind != .rotate {
            for (field, isSet) in [("if_due", body.ifDue), ("compromised", body.compromised), ("dry_run", body.dryRun)] where isSet == true
            {
                throw Problem(.badRequest, "The field '\(field)' goes with rotate alone.")
            }
        }
        var wanted = RotationRequest(kind)
        wanted.condition = body.ifDue == true ? .ifDue : .now
        wanted.reason = try checkedText("reason", body.reason)
        wanted.isCompromised = body.compromised ?? false
        guard body.dryRun == true else { return try await perform(wanted, request, context) }
        switch try await service.dryRun(context.configName, wanted, as: context.caller) {
        case .notDue(let due, let why): return Response.json(NotDue(rotated: false, dueAt: due?.description, reason: why))
        case .joins(let rotation): return Response.json(DryRun(joining: rotation))
        case .begins(let rotation, let check): return Response.json(DryRun(beginning: rotation, check))
        }
    }

    private func perform(_ wanted: RotationRequest, _ request: Request, _ context: APIContext) async throws -> Response {
        var wanted = wanted
        wanted.idempotencyKey = try idempotencyKey(request)
        let name = try context.configName
        let isAsync = prefersAsync(request)
        let reply = try await context.whileCallerListens { [wanted] in
            try await service.rotate(name, wanted, isAsync ? .not : .untilSettled, as: context.caller)
        }
        return try await answer(reply, isAsync: isAsync, context)
    }

    private func answer(_ reply: RotationReply, isAsync: Bool, _ context: APIContext) async throws -> Response {
        switch reply {
        case .notDue(let due, let why): return Response.json(NotDue(rotated: false, dueAt: due?.description, reason: why))
        case .rotation(let rotation): return try await answer(rotation, isAsync: isAsync, context)
        case .interrupted(let rotation, let problem): throw ProblemReply(problem, rotation: try await shown(rotation, context))
        }
    }

    private func answer(_ rotation: Rotations.Rotation, isAsync: Bool, _ context: APIContext) async throws -> Response {
        let location: HTTPFields = [.location: "/v1/rotations/\(rotation.id)"]
        let shown = try await shown(rotation, context)
        if isAsync { return Response.json(shown, status: .accepted, headers: location) }
        if let problem = rotation.problem(nextStep: shown.nextStep) { throw ProblemReply(problem, rotation: shown) }
        return Response.json(shown, headers: location)
    }

    private func shown(_ rotation: Rotations.Rotation, _ context: APIContext) async throws -> KeyturnWire.Rotation {
        shown(rotation, try await service.nextSteps(after: [rotation]), context)
    }

    private func shown(
        _ rotation: Rotations.Rotation, _ nextSteps: [RotationID: String], _ context: APIContext
    ) -> KeyturnWire.Rotation {
        KeyturnWire.Rotation(
            rotation, nextStep: nextSteps[rotation.id], cyclesMax: service.cyclesMax,
            showsMessages: context.caller.may(.audit, on: .everything))
    }

    /// RFC 7240.
    private func prefersAsync(_ request: Request) -> Bool {
        request.headers[values: Self.prefer].flatMap { $0.split(separator: ",") }.contains { preference in
            preference.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased() == "respond-async"
        }
    }

    private func idempotencyKey(_ request: Request) throws(Problem) -> String? {
        guard let key = try request.single(Self.idempotency) else { return nil }
        guard (1...128).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badField("Idempotency-Key", InvalidValue("1 to 128 printable ASCII characters without spaces"))
        }
        return key
    }

    private static let prefer = HTTPField.Name("Prefer")!
    private static let idempotency = HTTPField.Name("Idempotency-Key")!
}
