import FoundationEssentials
import FuzzSupport
import KeyturnWire
import Model
import Operations

/// Bodies and values that any caller can send.
@_cdecl("LLVMFuzzerTestOneInput") public func tryRequests(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = Input(start, count)
    let bodies: [@Sendable (Data) -> Void] = [
        { tryBody(PutConfig.self, $0) { ($0.upstream, $0.remoteID, $0.aiType, $0.field, $0.description) } },
        { tryBody(PutUpstream.self, $0) { tryUpstream($0) } },
        { tryBody(StageVersion.self, $0) { _ = try? IncomingBox(base64: $0.encryptedValue, keyID: $0.keyID) } },
        { tryBody(PauseConfig.self, $0) { tryTime($0.until) } },
        { tryBody(PatchRemote.self, $0) { tryFields($0) } },
        { tryBody(KeyturnWire.Rotate.self, $0) { _ in } }, { tryBody(Resolve.self, $0) { _ in } }, { tryBody(NoFields.self, $0) { _ in } },
    ]
    let index = input.choice(of: bodies.count + 1)
    if index < bodies.count { bodies[index](Data(input.rest)) } else { tryValues(String(decoding: input.rest, as: UTF8.self)) }
    return 0
}

/// Refused in words of ours, or read; and what was read says the same when it is written and read again.
private func tryBody<Body: RequestBody>(_ type: Body.Type, _ json: Data, _ use: (Body) -> Any) {
    do {
        let body = try Body.read(json)
        let written = WireJSON.encode(body)
        guard let again = try? Body.read(written) else {
            fatalError("\(type) can't be read again: \(String(decoding: written, as: UTF8.self))")
        }
        require(WireJSON.encode(again) == written, "\(type) changes when it is read again")
        _ = use(body)
    } catch {
        require(error.detail.utf8.count <= 512, "a refusal of \(error.detail.utf8.count) bytes")
        require(error.detail.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "a refusal that is not plain text")
    }
}

private func tryUpstream(_ body: PutUpstream) {
    tryURL(body.baseURL)
    if let value = body.encryptedValue, let id = body.keyID { _ = try? IncomingBox(base64: value, keyID: id) }
}

private func tryFields(_ body: PatchRemote) {
    for text in [body.name, body.endpoint, body.aiType] {
        if let text, let checked = try? RemoteFields.checked(text, "x") { require(checked == text, "a field was changed") }
    }
}

private func tryTime(_ text: String?) {
    guard let text, let time = try? Timestamp(text) else { return }
    guard let again = try? Timestamp(time.description) else { fatalError("\(text) became \(time), which is no time") }
    require(again.milliseconds == (time.milliseconds - (time.milliseconds % 1000 + 1000) % 1000), "\(text) became \(time)")
    _ = (Timestamp(milliseconds: 1_800_000_000_000) < time, time - Timestamp(milliseconds: 1_800_000_000_000))
}

private func tryURL(_ text: String) {
    guard let url = try? BaseURL(text, plainHTTP: .allowed) else { return }
    guard let again = try? BaseURL(url.description, plainHTTP: .allowed) else { fatalError("\(text) became \(url), which is no URL") }
    require(again == url, "\(text) became \(url), which became \(again)")
    require((1...65_535).contains(url.port) && !url.host.isEmpty, "\(text) has no host and port")
}

/// Names, ids and times in a path or a query.
private func tryValues(_ text: String) {
    if let name = try? ConfigName(text) { require(name.description == text && text.utf8.count <= 63, "a config of another name") }
    if let name = try? UpstreamName(text) { require(name.description == text, "an upstream of another name") }
    if let id = try? RemoteID(text) { require(id.description == text && text != "." && text != ".." && !text.contains("/"), "a bad id") }
    if let id = try? RotationID(text) { require(id.description == text, "a rotation of another id") }
    if let type = try? AIType(text) { require(type.rawValue == text, "another AI type") }
    tryTime(text)
    tryURL(text)
    _ = try? IncomingBox(base64: text, keyID: "0123456789abcdef")
}
