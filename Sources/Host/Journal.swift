import CLinux
import CSystemd
import Glibc

/// journald's own protocol, by libsystemd.
enum Journal {
    /// Whether standard error is the stream that `$JOURNAL_STREAM` names, as systemd.exec(5) says to compare: by device and inode.
    static var isStandardError: Bool {
        // SAFETY: nothing changes the environment while the daemon starts; the text is only read.
        guard let named = getenv("JOURNAL_STREAM") else { return false }
        return kt_is_file(STDERR_FILENO, named) == 1
    }

    static func send(_ fields: [(name: String, value: String)]) {
        let texts = fields.map { Array("\($0.name)=\($0.value)".utf8) }
        // SAFETY: each entry points into one buffer that lives through the call, with its length; journald copies.
        _ = withVectors(of: texts[...], []) { sd_journal_sendv($0, Int32($0.count)) }
    }

    /// Nests the arrays' own buffers, so that all of them are valid at once.
    private static func withVectors(of texts: ArraySlice<[UInt8]>, _ vectors: [iovec], _ body: ([iovec]) -> Int32) -> Int32 {
        guard let text = texts.first else { return body(vectors) }
        return text.withUnsafeBytes { bytes in
            let vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return withVectors(of: texts.dropFirst(), vectors + [vector], body)
        }
    }
}
