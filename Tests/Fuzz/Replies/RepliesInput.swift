import Foundation
import FuzzSupport
import Model
import NIOCore
import Rotations
import Secrets

@testable import Flashback
@testable import Outbound

/// What a backend answers, be it broken or hostile.
@_cdecl("LLVMFuzzerTestOneInput") public func tryReplies(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = Input(start, count)
    switch input.choice(of: 5) {
    case 0: tryAnswer(status: statuses[input.choice(of: statuses.count)], input.rest)
    case 1: tryRefresh(status: statuses[input.choice(of: statuses.count)], input.rest)
    case 2: tryList(pieces: input.byte(), input.rest)
    case 3: tryRetryAfter(String(decoding: input.rest, as: UTF8.self))
    default: tryToken(input.rest)
    }
    return 0
}

private let statuses = [200, 201, 204, 301, 400, 401, 403, 404, 405, 408, 425, 429, 500, 501, 503]
private let now = Timestamp(milliseconds: 1_800_000_000_000)
private let id = try! RemoteID("550e8400-e29b-41d4-a716-446655440000")

/// What was sent with the request: in the dictionary and the corpus, since backends quote it.
private let canary = "sk-Q7xZ2mW9"

private func secret(_ bytes: some Collection<UInt8>) -> Secret {
    let bytes = Array(bytes)
    return Secret(count: bytes.count) { $0.copyBytes(from: bytes) }
}

private func outcome(_ status: Int, _ body: [UInt8]) -> Outcome {
    .response(Response(status: status, retryAfter: nil, date: nil, contentType: nil, body: ReplyBody(ByteBuffer(bytes: body))))
}

private func tryAnswer(status: Int, _ body: [UInt8]) {
    let reply = Reply(outcome(status, body), now: now) { $0.hide(secret(canary.utf8)) }
    if case .answered(_, _, let reason, _) = reply { requireClean(reason) }
    let put = PutAnswer(reply, id: id)
    if case .accepted = put { require(status == 200 && saysYes(body), "accepted without a word of it") }
    if case .works = ValidateAnswer(reply, id: id) { require(status == 200 && saysYes(body), "proven without a word of it") }
}

/// By another reader than ours.
private func saysYes(_ body: [UInt8]) -> Bool {
    let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
    return object?["success"] as? Bool == true
}

private func tryRefresh(status: Int, _ body: [UInt8]) {
    switch RefreshAnswer(outcome(status, body), token: secret(canary.utf8), now: now) {
    case .refreshed(let tokens):
        require(status == 200 && tokens.access.count > 0, "a token out of nothing")
        if let expiry = tokens.expiresAt { require(expiry.milliseconds >= 0, "a token that expired before there were any") }
    case .refused(let reason): requireClean(reason)
    case .notSent: require(false, "an answer to what was not sent")
    case .unknown(let reason): requireClean(reason)
    }
}

/// However it comes in pieces, it is the same list, and the one that another reader reads.
private func tryList(pieces: UInt8, _ body: [UInt8]) {
    var whole = ListScanner()
    let isTaken = whole.take(body.span.bytes)
    var inPieces = ListScanner()
    var isTakenInPieces = true
    let size = Int(pieces) % 32 + 1
    for start in stride(from: 0, to: body.count, by: size) where isTakenInPieces {
        isTakenInPieces = inPieces.take(body[start..<min(start + size, body.count)].span.bytes)
    }
    require(isTaken == isTakenInPieces, "pieces decide whether it is a list")
    guard isTaken, whole.isComplete else { return }
    require(inPieces.isComplete && inPieces.entries == whole.entries && inPieces.success == whole.success, "pieces change the list")
    require(whole.entries.count <= ListScanner.entriesMax, "too many entries")
    guard let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
        let listed = object["aiLlms"] as? [[String: Any]]
    else { return }
    let ids = Set(listed.compactMap { $0["id"] as? String })
    require(Set(whole.entries.keys).isSubset(of: ids), "an entry that is not listed")
}

private func tryRetryAfter(_ header: String) {
    guard let wait = RetryAfter.duration(header, now: now) else { return }
    require(wait >= .zero && wait <= RetryAfter.longest, "a wait of \(wait)")
}

private func tryToken(_ token: [UInt8]) {
    if let expiry = AccessToken.expiry(secret(token)) { require(expiry.milliseconds >= 0, "an expiry of \(expiry)") }
}

/// Design section 6: scrubbed of every secret in play, of control characters, and cut to 300 characters.
private func requireClean(_ reason: Reason) {
    require(!Array(reason.what.utf8).holds(canary.utf8), "our own words quote a secret")
    guard let message = reason.backendMessage else { return }
    require(message.count <= Scrubber.charactersMax, "a message of \(message.count) characters")
    require(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }, "control characters in a message")
    let text = Array(message.utf8)
    let key = Array(canary.utf8)
    for start in 0...(key.count - 4) { require(!text.holds(key[start..<(start + 4)]), "four bytes of a secret in a message: \(message)") }
    require(!text.holds(key.map { String($0, radix: 16) }.joined().utf8), "a secret in hex in a message")
    require(!text.holds(Data(key).base64EncodedString().utf8.prefix(14)), "a secret in base64 in a message")
}
