import Foundation
import TestProcesses

/// The log of the library of Tests/Faults, with this process's own marks in it; journal.c has the format.
struct CallLog: Sendable {
    let path: String

    enum Entry: Sendable, Equatable {
        case write(String, offset: Int, [UInt8])
        /// The new length.
        case truncate(String, Int)
        case sync(String)
        case rename(String, to: String)
        case link(String, to: String)
        case create(String)
        case remove(String)
        case makeFolder(String)
        case syncFolder(String)
        /// The length that it has at least.
        case extend(String, Int)
        /// What somebody was told at this point.
        case mark(String)
        /// A call that was not made.
        case fault(String)
    }

    private static let headBytes = 24

    /// Called after an answer came: all that was done for it stands before it.
    func mark(_ text: String) throws {
        let bytes = Array(text.utf8)
        var entry: [UInt8] = []
        for number in [UInt32(10), 0] { withUnsafeBytes(of: number) { entry += $0 } }
        for number in [UInt64(0), UInt64(bytes.count)] { withUnsafeBytes(of: number) { entry += $0 } }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(entry + bytes))
    }

    /// Nothing where nothing was recorded.
    func entries() throws -> [Entry] {
        guard let bytes = FileManager.default.contents(atPath: path).map(Array.init) else { return [] }
        var entries: [Entry] = []
        var position = 0
        // A SIGKILL cuts even a single call off in the middle: the last entry may be a part of one.
        while position + Self.headBytes <= bytes.count {
            let number = { (offset: Int, count: Int) in
                (0..<count).reduce(0) { $0 | Int(bytes[position + offset + $1]) << (8 * $1) }
            }
            let (operation, pathLength, offset, size) = (number(0, 4), number(4, 4), number(8, 8), number(16, 8))
            let data = position + Self.headBytes + pathLength
            guard data + size <= bytes.count else { break }
            let path = String(decoding: bytes[(position + Self.headBytes)..<data], as: UTF8.self)
            let content = bytes[data..<(data + size)]
            entries.append(Self.entry(operation, path, offset, content))
            position = data + size
        }
        return entries
    }

    private static func entry(_ operation: Int, _ path: String, _ offset: Int, _ data: ArraySlice<UInt8>) -> Entry {
        switch operation {
        case 1: .write(path, offset: offset, Array(data))
        case 2: .truncate(path, offset)
        case 3: .sync(path)
        case 4: .rename(path, to: String(decoding: data, as: UTF8.self))
        case 5: .create(path)
        case 6: .remove(path)
        case 7: .makeFolder(path)
        case 8: .syncFolder(path)
        case 9: .extend(path, offset)
        case 10: .mark(String(decoding: data, as: UTF8.self))
        case 11: .fault(path)
        case 12: .link(path, to: String(decoding: data, as: UTF8.self))
        default: preconditionFailure("an entry of an unknown kind: \(operation)")
        }
    }
}
