package import HTTPTypes
package import Hummingbird
package import KeyturnWire
package import Model
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Response {
    /// A wire value as JSON; `headers` such as `ETag` and `Location`.
    package static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: WireJSON.encode(value))))
    }

    /// Text of another kind: metrics, the OpenAPI document.
    package static func text(_ text: String, contentType: String) -> Response {
        Response(status: .ok, headers: [.contentType: contentType], body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// Done, and nothing to tell.
    package static var done: Response { Response(status: .noContent) }
}

extension Request {
    /// Reads the body strictly; what is wrong with it becomes `bad-request`. Can be called once.
    package func read<Body: KeyturnWire.RequestBody>(_ type: Body.Type, _ context: APIContext) async throws -> Body {
        let bytes = try await body.collect(upTo: context.maxUploadSize)
        return try Body.read(Data(bytes.readableBytesView))
    }

    /// A header field that may be there once.
    package func single(_ name: HTTPField.Name) throws(Problem) -> String? {
        let values = headers[values: name]
        guard values.count <= 1 else { throw Problem(.badRequest, "The header field '\(name.canonicalName)' is there more than once.") }
        return values.first
    }
}
