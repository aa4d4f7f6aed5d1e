import Model
import Testing

/// Found by fuzz-requests: what was taken was written down as another URL, or one that could not be read again.
@Suite struct `A backend's URL` {
    @Test(arguments: [
        "https://a%2Fb", "https://a%00b", "https://a%40b.example.com", "https://a b", "https://a%20b", "https://\u{e9}.example.com",
        "https://a\0b",
        "https://[::1%25eth0]", "https://[]", "https://[abc]",
    ]) func `with a host that is no plain name or address is refused`(_ text: String) {
        #expect(throws: InvalidValue.self) { try BaseURL(text, plainHTTP: .allowed) }
    }

    @Test(arguments: [
        "https://backend.example.com", "https://xn--bcher-kva.example", "https://10.0.0.1:8443/api/v1", "http://[::1]:8080/a%2Fb",
        "https://my_host",
    ]) func `is the same when it is written down and read again`(_ text: String) throws {
        let url = try BaseURL(text, plainHTTP: .allowed)
        #expect(url.description == text)
        #expect(try BaseURL(url.description, plainHTTP: .allowed) == url)
    }

    @Test func `is refused when escaping it would make it longer than it may be`() throws {
        let longest = "https://a/" + String(repeating: "b", count: 2038)
        #expect(try BaseURL(longest, plainHTTP: .refused).description == longest)
        #expect(throws: InvalidValue.self) { try BaseURL(longest + "b", plainHTTP: .refused) }
        for character in "\"<>[\\]^`{|}" {
            #expect(throws: InvalidValue.self) { try BaseURL("https://a/\(character)", plainHTTP: .refused) }
        }
        #expect(throws: InvalidValue.self) { try BaseURL("https://a/%zz", plainHTTP: .refused) }
    }
}
