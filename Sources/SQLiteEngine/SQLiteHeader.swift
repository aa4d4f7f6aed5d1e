import Glibc
import Vault

/// The first 100 bytes of a database file, read without SQLite: https://sqlite.org/fileformat.html, section 1.3.
struct SQLiteHeader {
    private let path: String
    private let bytes: [UInt8]

    private static let byteCount = 100
    private static let magic = Array("SQLite format 3\0".utf8)
    /// How to write and how to read it: 1 with a journal, 2 with a write-ahead log. Anything else opens read-only, or not at all.
    private static let formatOffsets = 18...19
    private static let userVersionOffset = 60
    private static let applicationIDOffset = 68

    init(path: String) throws(VaultError) {
        self.path = path
        // SAFETY: the path is a C string for the length of the call.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw .failed("\(path): \(String(cString: strerror(errno)))") }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        // SAFETY: the array has as many bytes as are asked for.
        let count = read(file, &bytes, Self.byteCount)
        self.bytes = count == Self.byteCount ? bytes : []
    }

    func requireOurs() throws(VaultError) {
        guard bytes.starts(with: Self.magic), number(at: Self.applicationIDOffset) == SQLiteFile.applicationID else {
            throw .notAVault(path: path)
        }
        guard Self.formatOffsets.allSatisfy({ (1...2).contains(bytes[$0]) }) else {
            throw .damagedDatabase("the header of \(path) is not one that SQLite writes")
        }
        let version = number(at: Self.userVersionOffset)
        guard version <= SQLiteFile.schema else { throw .newer(format: version) }
    }

    private func number(at offset: Int) -> Int {
        bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
}
