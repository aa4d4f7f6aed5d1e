import Access
import FoundationEssentials
import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations
import Vault

extension Routes {
    /// Health, the vault's door, the caller.
    func addVault(to router: Router<APIContext>) {
        router.get("/healthz") { _, context in await open.health(on: context.connection.channel.eventLoop) }
        router.get("/readyz") { _, _ in await open.readiness() }
        router.get("/metrics") { _, context in
            try context.caller.require(.status, on: .everything)
            return try await open.metrics(on: context.connection.channel)
        }
        router.get("/openapi.yaml") { _, _ in Response.text(OpenAPIDocument.text, contentType: "application/yaml") }
        router.get("/v1/intake-key") { _, _ in
            Response.json(IntakeKey(try await service.intakeKey()))
        }
        router.get("/v1/whoami") { _, context in
            Response.json(Whoami(context.caller))
        }
        router.get("/v1/status") { _, context in
            Response.json(Status(try await service.status(as: context.caller), version: version, reloadRefused: open.reloadRefused()))
        }
        router.post("/v1/seal") { request, context in
            _ = try await request.read(NoFields.self, context)
            try await service.seal(as: context.caller)
            return Response.json(SealState(sealed: true))
        }
        router.post("/v1/unseal") { request, context in
            let wanted = try await request.read(Unseal.self, context)
            let older: Admission.Older = wanted.acceptOlder == true ? .accepted : .refused
            switch (wanted.encryptedValue, wanted.keyID) {
            case (nil, nil): try await service.unseal(older, as: context.caller)
            case (let value?, let keyID?):
                try await service.unseal(with: IncomingBox(base64: value, keyID: keyID), older, as: context.caller)
            case (.some, nil), (nil, .some): throw Problem(.badRequest, "'encrypted_value' and 'key_id' belong together.")
            }
            return Response.json(SealState(sealed: false))
        }
        router.post("/v1/backup") { request, context in
            _ = try await request.read(NoFields.self, context)
            return Response.backup(try await service.backUp(as: context.caller), context)
        }
    }
}
