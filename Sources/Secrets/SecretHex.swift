import CSodium

extension Secret {
    /// Its bytes as lower-case hexadecimal, made in constant time; for secrets that must travel as text.
    package func hexadecimal() -> Secret {
        var text = withBytes { bytes in
            // libsodium ends it with a null byte.
            Secret(count: 2 * bytes.byteCount + 1) { output in
                // SAFETY: the output has room for two digits a byte and the null byte.
                unsafe bytes.withUnsafeBytes { bytes in
                    _ = unsafe sodium_bin2hex(
                        output.baseAddress!.assumingMemoryBound(to: CChar.self), output.count,
                        bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count)
                }
            }
        }
        text.truncate(to: text.count - 1)
        return text
    }

    /// `nil` unless it is hexadecimal of `count` bytes.
    package static func bytes(_ count: Int, hexadecimal text: borrowing Secret) -> Secret? {
        guard text.count == 2 * count else { return nil }
        struct NoHex: Error {}
        return try? Secret(count: count) { (output) throws(NoHex) in
            var written = 0
            let status = text.withBytes { text in
                // SAFETY: the output has `count` bytes; the text is valid for its count.
                unsafe text.withUnsafeBytes { text in
                    unsafe sodium_hex2bin(
                        output.baseAddress!.assumingMemoryBound(to: UInt8.self), count,
                        text.baseAddress!.assumingMemoryBound(to: CChar.self), text.count, nil, &written, nil)
                }
            }
            guard status == 0, written == count else { throw NoHex() }
        }
    }
}
