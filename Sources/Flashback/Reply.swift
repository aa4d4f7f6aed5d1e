internal import Model
internal import Outbound
internal import Rotations
internal import Secrets

/// An outcome as the classifiers see it: the status, what the body says in the contract's terms, and a scrubbed message.
enum Reply {
    case answered(status: Int, body: Body, Reason, retryAfter: Duration?)
    case failed(Failure)

    enum Body: Equatable {
        /// Nothing but white space.
        case empty
        /// A JSON object; `success` where it is a Boolean, `aiLlmId` where it is a string.
        case verdict(success: Bool?, id: String?)
        /// Another JSON value.
        case otherJSON
        case garbage
    }

    /// `hide` is shown the message before anybody else.
    init(_ outcome: Outcome, now: Timestamp, hide: (inout Scrubber) -> Void) {
        switch outcome {
        case .failure(let failure): self = .failed(failure)
        case .response(let response):
            let (body, message) = response.body.withBytes { Self.read($0, hide) }
            let what = Self.words(response, body)
            self = .answered(
                status: response.status, body: body, Reason(what, backendMessage: message),
                retryAfter: response.retryAfter.flatMap { RetryAfter.duration($0, now: now) })
        }
    }

    private static func read(_ text: RawSpan, _ hide: (inout Scrubber) -> Void) -> (Body, message: String?) {
        guard let outline = try? JSONOutline(of: text) else {
            let isEmpty = (0..<text.byteCount).allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains(text.byte($0)) }
            return (isEmpty ? .empty : JSONOutline.isValue(text) && !startsObject(text) ? .otherJSON : .garbage, nil)
        }
        let isBadlyTyped = [outline["success"].map(isBool), outline["aiLlmId"].map(isString)].contains(false)
        let body = isBadlyTyped ? Body.garbage : .verdict(success: outline.bool("success"), id: outline.text("aiLlmId", in: text))
        return (body, Message.scrubbed(outline, text, hide))
    }

    /// An object that the outline refuses, for doubled fields or its depth, is no answer to rely on.
    private static func startsObject(_ text: RawSpan) -> Bool {
        for offset in 0..<text.byteCount where ![0x20, 0x09, 0x0A, 0x0D].contains(text.byte(offset)) {
            return text.byte(offset) == UInt8(ascii: "{")
        }
        return false
    }

    /// `null` counts as missing.
    private static func isBool(_ value: JSONOutline.Value) -> Bool {
        switch value {
        case .bool, .null: true
        case .string, .number, .object, .array: false
        }
    }

    private static func isString(_ value: JSONOutline.Value) -> Bool {
        switch value {
        case .string, .null: true
        case .bool, .number, .object, .array: false
        }
    }

    private static func words(_ response: Response, _ body: Body) -> String {
        guard response.status == 200 else { return StatusWords.of(response.status) }
        return switch body {
        case .empty: "the backend answered 200 without a body"
        case .verdict(true?, _): "the backend answered success: true"
        case .verdict(false?, _): "the backend answered success: false"
        case .verdict(nil, _), .otherJSON: "the backend answered 200 without a verdict"
        case .garbage where response.contentType == "text/html": "the backend answered 200 with a web page"
        case .garbage: "the backend answered 200 with something that is not its JSON"
        }
    }
}

enum StatusWords {
    static func of(_ status: Int) -> String {
        (300...399).contains(status) ? "the backend answered \(status), and redirects are never followed" : "the backend answered \(status)"
    }

    /// Statuses after which sending the same again makes sense, and which do not tell whether it was done.
    static func isUncertain(_ status: Int) -> Bool {
        switch status {
        case 408, 425, 429: true
        case 300...499: false
        default: true
        }
    }
}

/// The backend's own words.
enum Message {
    static func scrubbed(_ outline: JSONOutline, _ text: RawSpan, _ hide: (inout Scrubber) -> Void) -> String? {
        guard case .string(let range)? = outline["message"] ?? outline["error"], !range.isEmpty else { return nil }
        let count = JSONText.unescapedCount(text, range)
        let memory = UnsafeMutableRawBufferPointer(start: WipedMemory.allocate(count), count: count)
        defer { WipedMemory.free(memory.baseAddress!) }
        JSONText.unescape(text, range, into: memory)
        // SAFETY: the memory has just been written, and is freed after the scrubber has copied what it needs.
        var scrubber = Scrubber(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)))
        hide(&scrubber)
        return scrubber.text()
    }
}
