import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations
import Rotations

extension Routes {
    func addUpstreams(to router: Router<APIContext>) {
        router.get("/v1/upstreams") { request, context in
            let page = try PageRequest(QueryParameters(request, known: PageRequest.parameters))
            let (items, next) = try await service.upstreams(after: page.after, limit: page.limit, as: context.caller)
            return Response.json(Page(items: items.map(Upstream.init), next: PageRequest.cursor(next)))
        }
        router.get("/v1/upstreams/:name") { _, context in
            Response.json(Upstream(try await service.upstream(context.upstreamName, as: context.caller)))
        }
        router.put("/v1/upstreams/:name") { request, context in
            let name = try context.upstreamName
            let body = try await request.read(PutUpstream.self, context)
            let box = try IncomingBox(body.encryptedValue, body.keyID)
            try await service.putUpstream(name, UpstreamSettings(name, body), bearer: box, as: context.caller)
            return Response.json(Upstream(try await service.upstream(name, as: context.caller)))
        }
        router.post("/v1/upstreams/:name/check") { request, context in
            let name = try context.upstreamName
            _ = try await request.read(NoFields.self, context)
            return Response.json(UpstreamCheck(name, try await service.checkUpstream(name, as: context.caller)))
        }
        router.delete("/v1/upstreams/:name") { _, context in
            try await service.removeUpstream(context.upstreamName, as: context.caller)
            return Response.done
        }
    }
}

extension KeyturnWire.UpstreamCheck {
    fileprivate init(_ name: UpstreamName, _ check: Operations.UpstreamCheck) {
        let (outcome, reason): (String, String?) =
            switch check.sight {
            case .well: ("well", nil)
            case .unauthorized(let reason): ("unauthorized", reason.what)
            case .untrusted(let reason): ("untrusted", reason.what)
            case .unreachable(let reason): ("unreachable", reason.what)
            }
        self.init(
            upstream: name.description, outcome: outcome, reason: reason, bearerTried: check.triedBearer,
            clockAheadSeconds: check.clockAhead?.components.seconds)
    }
}

extension UpstreamSettings {
    fileprivate init(_ name: UpstreamName, _ body: PutUpstream) throws(Problem) {
        let allowsPlainHTTP = body.allowPlainHTTP ?? false
        let baseURL = try parsed("base_url", body.baseURL) { (text) throws(InvalidValue) in
            try BaseURL(text, plainHTTP: allowsPlainHTTP ? .allowed : .refused)
        }
        if let pin = body.pinSHA256 {
            guard pin.utf8.count == 64, pin.allSatisfy({ $0.isHexDigit && $0.isASCII }) else {
                throw .badField("pin_sha256", InvalidValue("64 hex digits: the SHA-256 of the certificate's public key (SPKI)"))
            }
        }
        if let ca = body.caPEM, !ca.contains("-----BEGIN CERTIFICATE-----") {
            throw .badField("ca_pem", InvalidValue("one or more certificates in PEM"))
        }
        if let workspace = body.workspaceID {
            _ = try parsed("workspace_id", workspace) { (text) throws(InvalidValue) in try RemoteID(text) }
        }
        self.init(
            address: UpstreamAddress(
                name: name, baseURL: baseURL, caPEM: body.caPEM, pinSHA256: body.pinSHA256?.lowercased(), workspaceID: body.workspaceID),
            allowsPlainHTTP: allowsPlainHTTP)
    }
}

extension IncomingBox {
    /// Both or neither must be there.
    init?(_ encryptedValue: String?, _ keyID: String?) throws(Problem) {
        switch (encryptedValue, keyID) {
        case (let value?, let id?): try self.init(base64: value, keyID: id)
        case (nil, nil): return nil
        case (.some, nil): throw Problem(.badRequest, "The field 'key_id' is missing: it goes with 'encrypted_value'.")
        case (nil, .some): throw Problem(.badRequest, "The field 'encrypted_value' is missing: 'key_id' goes with it.")
        }
    }
}
