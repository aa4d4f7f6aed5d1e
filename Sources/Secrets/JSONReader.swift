/// The recursive descent behind `JSONOutline`. The text is handed to each call instead of being kept, so that it can be borrowed.
struct JSONReader {
    private(set) var position = 0
    private var valueCount = 0

    func peek(in text: RawSpan) -> UInt8? {
        position < text.byteCount ? text.byte(position) : nil
    }

    mutating func skipSpace(in text: RawSpan) {
        while let byte = peek(in: text), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    /// One value of any kind, with white space around it at most.
    mutating func lone(in text: RawSpan) throws(JSONOutline.Malformed) {
        guard text.byteCount <= JSONOutline.textBytesMax else { throw .tooLarge }
        _ = try value(in: text, depth: 0)
        skipSpace(in: text)
        guard position == text.byteCount else { throw .badSyntax }
    }

    mutating func object(in text: RawSpan, depth: Int) throws(JSONOutline.Malformed) -> JSONOutline {
        try expect("{", in: text)
        var members: [JSONOutline.Member] = []
        var names: Set<String> = []
        skipSpace(in: text)
        if take("}", in: text) { return JSONOutline(members: members) }
        repeat {
            skipSpace(in: text)
            let nameRange = try string(in: text)
            let name = JSONText.string(text, nameRange)
            guard names.insert(name).inserted else { throw .duplicateField }
            skipSpace(in: text)
            try expect(":", in: text)
            members.append(.init(name: name, value: try value(in: text, depth: depth)))
            skipSpace(in: text)
        } while take(",", in: text)
        try expect("}", in: text)
        return JSONOutline(members: members)
    }

    private mutating func value(in text: RawSpan, depth: Int) throws(JSONOutline.Malformed) -> JSONOutline.Value {
        valueCount += 1
        guard valueCount <= JSONOutline.valuesMax else { throw .tooLarge }
        skipSpace(in: text)
        switch peek(in: text) {
        case UInt8(ascii: "\"")?: return .string(try string(in: text))
        case UInt8(ascii: "{")?:
            guard depth < JSONOutline.depthMax else { throw .tooDeep }
            return .object(try object(in: text, depth: depth + 1))
        case UInt8(ascii: "[")?:
            guard depth < JSONOutline.depthMax else { throw .tooDeep }
            return .array(try array(in: text, depth: depth + 1))
        case UInt8(ascii: "t")?: return try word("true", .bool(true), in: text)
        case UInt8(ascii: "f")?: return try word("false", .bool(false), in: text)
        case UInt8(ascii: "n")?: return try word("null", .null, in: text)
        case .some: return .number(try number(in: text))
        case nil: throw .badSyntax
        }
    }

    private mutating func array(in text: RawSpan, depth: Int) throws(JSONOutline.Malformed) -> Range<Int> {
        let start = position
        try expect("[", in: text)
        skipSpace(in: text)
        if take("]", in: text) { return start..<position }
        repeat {
            _ = try value(in: text, depth: depth)
            skipSpace(in: text)
        } while take(",", in: text)
        try expect("]", in: text)
        return start..<position
    }

    /// Returns the range between the quotes, checked: no raw control characters, known escapes, paired surrogates, valid UTF-8.
    private mutating func string(in text: RawSpan) throws(JSONOutline.Malformed) -> Range<Int> {
        try expect("\"", in: text)
        let start = position
        while let byte = peek(in: text) {
            switch byte {
            case UInt8(ascii: "\""):
                let range = start..<position
                position += 1
                guard JSONText.isSound(text, range) else { throw .badText }
                return range
            case UInt8(ascii: "\\"): position += 2  // what follows is judged by isSound
            case 0..<0x20: throw .badText
            default: position += 1
            }
        }
        throw .badSyntax
    }

    private mutating func number(in text: RawSpan) throws(JSONOutline.Malformed) -> Range<Int> {
        let start = position
        _ = take("-", in: text)
        if !take("0", in: text) { try digits(in: text) }
        if take(".", in: text) { try digits(in: text) }
        if take("e", in: text) || take("E", in: text) {
            if !take("+", in: text) { _ = take("-", in: text) }
            try digits(in: text)
        }
        return start..<position
    }

    private mutating func digits(in text: RawSpan) throws(JSONOutline.Malformed) {
        let start = position
        while let byte = peek(in: text), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw .badSyntax }
    }

    private mutating func word(
        _ word: StaticString, _ value: JSONOutline.Value, in text: RawSpan
    ) throws(JSONOutline.Malformed) -> JSONOutline.Value {
        let isThere = word.withUTF8Buffer { letters in
            position + letters.count <= text.byteCount && letters.indices.allSatisfy { text.byte(position + $0) == letters[$0] }
        }
        guard isThere else { throw .badSyntax }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func take(_ character: Unicode.Scalar, in text: RawSpan) -> Bool {
        guard peek(in: text) == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, in text: RawSpan) throws(JSONOutline.Malformed) {
        guard take(character, in: text) else { throw .badSyntax }
    }
}
