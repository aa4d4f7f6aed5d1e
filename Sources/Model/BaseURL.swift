import FoundationEssentials

/// Where a backend lives: scheme, host, port and a path prefix; no query, no user, no fragment.
/// HTTPS always, plain HTTP only to loopback and only where the operator allowed it.
package struct BaseURL: Hashable, Sendable, Codable, CustomStringConvertible {
    package let isTLS: Bool
    package let host: String
    package let port: Int
    /// Without a trailing slash; empty for the root.
    package let path: String

    package init(_ text: String, plainHTTP: PlainHTTP) throws(InvalidValue) {
        // Escaped by the parser, a URL would grow past the limit and not be read again.
        guard text.utf8.count <= 2048, let url = URLComponents(string: text, encodingInvalidCharacters: false),
            let host = url.encodedHost, !host.isEmpty
        else {
            throw InvalidValue("a URL such as https://backend.example.com, of at most 2048 bytes, with special characters written as %XX")
        }
        guard url.user == nil, url.password == nil, url.query == nil, url.fragment == nil else {
            throw InvalidValue("a URL without user, query or fragment")
        }
        switch url.scheme?.lowercased() {
        case "https": isTLS = true
        case "http":
            guard Self.isLoopback(host) else { throw InvalidValue("an https URL; plain http is possible to a loopback address only") }
            guard plainHTTP == .allowed else { throw InvalidValue("an https URL, unless plain http is allowed (--allow-plain-http)") }
            isTLS = false
        default: throw InvalidValue("an https URL")
        }
        self.host = host.lowercased().trimmingBrackets
        // With its escapes undone, "a%2Fb" would become another host and a path.
        guard Self.isPlain(self.host), host.hasPrefix("[") == self.host.contains(":"), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw InvalidValue("a URL whose host is a name or an address, without escapes")
        }
        port = url.port ?? (isTLS ? 443 : 80)
        guard (1...65_535).contains(port) else { throw InvalidValue("a URL with a port from 1 to 65535") }
        path = String(url.percentEncodedPath.trimmingTrailingSlashes)
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
            throw InvalidValue("a URL whose path has no '.' or '..' part")
        }
    }

    package enum PlainHTTP: Sendable {
        case refused, allowed
    }

    package var description: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        let isDefaultPort = port == (isTLS ? 443 : 80)
        return "\(isTLS ? "https" : "http")://\(shownHost)\(isDefaultPort ? "" : ":\(port)")\(path)"
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self), plainHTTP: .allowed)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// A name as in DNS (an international one in its `xn--` form), or an address.
    private static func isPlain(_ host: String) -> Bool {
        guard !host.isEmpty else { return false }
        return host.contains(":")
            ? host.utf8.allSatisfy { isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
            : host.utf8.allSatisfy { isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func isLoopback(_ host: String) -> Bool {
        let bare = host.lowercased().trimmingBrackets
        if bare == "localhost" || bare == "::1" { return true }
        let octets = bare.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return octets.count == 4 && !octets.contains(nil) && octets[0] == 127
    }
}

extension String {
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }

    fileprivate var trimmingTrailingSlashes: Substring {
        var rest = Substring(self)
        while rest.last == "/" { rest.removeLast() }
        return rest
    }
}
