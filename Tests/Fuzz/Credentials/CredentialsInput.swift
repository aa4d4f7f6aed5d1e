import Foundation
import FuzzSupport
import Model
import Secrets

@testable import Operations

/// What somebody sealed for the vault, and what is in the vault's credentials.
@_cdecl("LLVMFuzzerTestOneInput") public func tryCredentials(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = Input(start, count)
    switch input.choice(of: 4) {
    case 0: tryEnvelope(input.rest)
    case 1: tryJSON(input.rest)
    case 2: tryPacked(input.rest)
    default: trySealed(input.rest)
    }
    return 0
}

/// In the dictionary and the corpus as a credential's value: no refusal may quote it.
private let canary = "CANARY-KEY-4711"

private let pair = BoxKeyPair(secretKey: Secret(count: 32) { $0.initializeMemory(as: UInt8.self, repeating: 7) })

private func secret(_ bytes: [UInt8]) -> Secret { Secret(count: bytes.count) { $0.copyBytes(from: bytes) } }

private func bytes(_ secret: borrowing Secret) -> [UInt8] { secret.withBytes { span in (0..<span.byteCount).map { span.byte($0) } } }

/// An envelope as it came out of its box: taken, or refused in words of ours.
private func tryEnvelope(_ text: [UInt8]) {
    do throws(Problem) {
        let envelope = try SealedEnvelope(secret(text), for: .stage, target: "openai-prod", at: Timestamp(milliseconds: 1_800_000_000_000))
        require(UUID(uuidString: envelope.id) != nil, "a box without an id")
        let fields = try envelope.remoteFields()
        for field in [fields.name, fields.endpoint] { require(field.map { !$0.isEmpty && $0.utf8.count <= 2048 } ?? true, "a bad field") }
        let credential = try envelope.credential()
        require(credential.hasKey || credential.hasSecret, "a credential of nothing")
        let packed = credential.packed()
        guard let again = Credential.unpacked(packed) else { fatalError("a credential can't be unpacked") }
        require(again.matches(credential), "a credential changes when it is packed")
    } catch {
        let words = Array("\(error.detail) \(error.nextStep ?? "")".utf8)
        require(!words.holds(canary.utf8), "a refusal quotes a secret: \(error.detail)")
        require(words.count <= 512 && words.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a refusal is not plain: \(error.detail)")
    }
}

/// Foundation wants each number as a Double; ours are whole, and all others are passed over unread.
private func holdsNumberBeyondDouble(_ text: [UInt8]) -> Bool {
    text.split { !"0123456789+-.eE".utf8.contains($0) }.contains { run in
        Double(String(decoding: run, as: UTF8.self)).map {
            !$0.isNormal && $0 != 0 || $0 == 0 && run.contains { (0x31...0x39).contains($0) }
        } ?? false
    }
}

/// What our reader takes, Foundation's takes too, and the texts in it are the same.
private func tryJSON(_ text: [UInt8]) {
    guard let json = try? GuardedJSON(secret(text)) else { return }
    require(text.count <= JSONOutline.textBytesMax, "too long a text was read")
    guard let other = try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any] else {
        return require(holdsNumberBeyondDouble(text), "JSON that Foundation does not read")
    }
    require(Set(json.fields) == Set(other.keys) && json.fields.count == other.count, "other fields: \(json.fields), \(other.keys)")
    for field in json.fields {
        if let found = json.text(field) {
            require(other[field] as? String == found, "another text of a field")
            switch json.secret(field) {
            case .some(let secret): require(bytes(secret) == Array(found.utf8), "a secret that differs from its text")
            case .none: fatalError("a text, but no secret")
            }
        }
        require(!json.isNull(field) || other[field] is NSNull, "another null")
        if let nested = json.object(field) {
            require(Set(nested.fields) == Set((other[field] as? [String: Any] ?? [:]).keys), "other fields")
        }
    }
}

/// Bytes in place of a packed credential: unpacked, they are packed to the same again.
private func tryPacked(_ packed: [UInt8]) {
    let secret = secret(packed)
    switch Credential.unpacked(secret) {
    case .some(let credential): require(bytes(credential.packed()) == packed, "a credential is packed to something else")
    case .none: break
    }
}

/// Nobody sealed this.
private func trySealed(_ box: [UInt8]) {
    do {
        let opened = try pair.open(box)
        fatalError("a box of \(opened.count) bytes opens")
    } catch {}
}
