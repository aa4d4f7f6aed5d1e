import HTTPTypes
import Hummingbird
import KeyturnWire
import Model
import Operations

extension Routes {
    func addVersions(to router: Router<APIContext>) {
        router.post("/v1/configs/:name/versions") { request, context in
            let name = try context.configName
            let body = try await request.read(StageVersion.self, context)
            let box = try IncomingBox(base64: body.encryptedValue, keyID: body.keyID)
            let version = try await service.stage(box, for: name, body.asCurrent == true ? .current : .next, as: context.caller)
            return Response.json(Version(version), status: .created)
        }
        router.delete("/v1/configs/:name/versions/:version") { request, context in
            let previousToo = try QueryParameters(request, known: ["previous"]).flag("previous")
            let number = try context.path("version") { (text) throws(InvalidValue) in
                guard let number = Int(text), number > 0 else { throw InvalidValue("a version's number") }
                return number
            }
            let version = try await service.discard(
                number, of: context.configName, previousToo ? .previousToo : .stagedOnly, as: context.caller)
            return Response.json(Version(version))
        }
    }
}
