package import Hummingbird
package import Model

/// A request's `?name=value&…`, read as strictly as a body: unknown names, repeated ones and broken escapes are refused.
package struct QueryParameters: Sendable, Equatable {
    private let values: [String: String]

    package init(_ request: Request, known: Set<String>) throws(Problem) {
        try self.init(request.uri.query ?? "", known: known)
    }

    init(_ query: String, known: Set<String>) throws(Problem) {
        var values: [String: String] = [:]
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(pair[0]), let value = pair.count == 2 ? Self.decoded(pair[1]) : "" else {
                throw Problem(.badRequest, "The query has a broken percent escape.")
            }
            guard known.contains(name) else {
                let list = known.sorted().map { "'\($0)'" }.joined(separator: ", ")
                throw Problem(.badRequest, "There is an unknown query parameter; known here: \(list.isEmpty ? "none" : list).")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem(.badRequest, "The query parameter '\(name)' is there more than once.")
            }
        }
        self.values = values
    }

    package subscript(name: String) -> String? { values[name] }

    package func number(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(Problem) -> Int {
        guard let text = values[name] else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(.badRequest, "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    package func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false": false
        case "true": true
        default: throw Problem(.badRequest, "'\(name)' must be true or false.")
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let escaped = hexByte(digits) else { return nil }
            bytes.append(escaped)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexByte(_ digits: Substring.UTF8View) -> UInt8? {
        digits.reduce(UInt8?(0)) { value, digit in
            guard let value, let nibble = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            return value << 4 | UInt8(nibble)
        }
    }
}
