import FoundationEssentials
import Glibc
import Secrets

/// One walk through a backup file: what it says of itself, and where its records are.
struct BackupWalk {
    let head: BackupHead
    let summary: BackupSummary
    let digest: [UInt8]
    let mac: [UInt8]
    let places: [Place]

    struct Place: Sendable {
        let key: [UInt8]
        let revision: Int64
        /// Of the value.
        let offset: Int
        let count: Int
    }

    private static let piece = 1 << 16

    /// From the outside: the marks at both ends, and the checksum between them.
    static func requireWhole(_ file: Int32, _ path: String) throws(BackupError) {
        var status = stat()
        // SAFETY: `status` is a live variable, the descriptor is open.
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, "it is not a regular file")
        }
        let count = Int(status.st_size)
        let magic = BackupFormat.magic
        guard let start = FileBytes.read(file, at: 0, count: min(count, magic.count + 1)) else {
            throw .unreadable(path: path, "an I/O error")
        }
        guard count > 0, start.prefix(magic.count).elementsEqual(magic.prefix(start.count)) else { throw .notABackup(path: path) }
        if let format = start.dropFirst(magic.count).first {
            guard format > 0 else { throw .notABackup(path: path) }
            guard format <= BackupFormat.format else { throw .newer(path: path, format: Int(format)) }
        }
        let tail = BackupFormat.hashBytes + BackupFormat.endMark.count
        guard count > magic.count + tail, let end = FileBytes.read(file, at: count - tail, count: tail),
            end.suffix(BackupFormat.endMark.count).elementsEqual(BackupFormat.endMark)
        else { throw .cutOff(path: path) }
        var hash = Blake2bStream()
        var offset = 0
        while offset < count - tail {
            guard let bytes = FileBytes.read(file, at: offset, count: min(piece, count - tail - offset)) else { throw .cutOff(path: path) }
            hash.add(bytes)
            offset += bytes.count
        }
        guard hash.digest().elementsEqual(end.prefix(BackupFormat.hashBytes)) else { throw .changed(path: path) }
    }

    /// From the inside. After the checksum, what does not fit was never a backup of ours.
    init(_ file: Int32, _ path: String) throws(BackupError) {
        var reader = Reader(file: file, path: path)
        _ = try reader.take(BackupFormat.magic.count + 1)
        head = try reader.takeJSON(BackupHead.self)
        var places: [Place] = []
        var summary: BackupSummary?
        while summary == nil {
            switch try reader.take(1)[0] {
            case BackupFormat.record:
                let key = try reader.take(reader.takeNumber(4, max: 1024))
                let revision = Int64(bitPattern: BackupFormat.number(try reader.take(8)))
                let count = try reader.takeNumber(4, max: BackupFormat.valueBytesMax)
                places.append(Place(key: key, revision: revision, offset: reader.offset, count: count))
                guard places.count == 1 || places[places.count - 2].key.lexicographicallyPrecedes(key) else { throw .changed(path: path) }
                _ = try reader.take(count)
            case BackupFormat.summary: summary = try reader.takeJSON(BackupSummary.self)
            default: throw .changed(path: path)
            }
        }
        guard let summary, summary.records == places.count else { throw .changed(path: path) }
        self.summary = summary
        self.places = places
        digest = reader.hash.digest()
        mac = try reader.take(BackupFormat.hashBytes)
        _ = try reader.take(BackupFormat.hashBytes)
        guard try reader.take(BackupFormat.endMark.count) == BackupFormat.endMark, reader.isAtEnd else { throw .changed(path: path) }
    }

    private struct Reader: ~Copyable {
        let file: Int32
        let path: String
        var hash = Blake2bStream()
        var offset = 0
        private var buffer: ArraySlice<UInt8> = []

        init(file: Int32, path: String) {
            self.file = file
            self.path = path
        }

        mutating func take(_ count: Int) throws(BackupError) -> [UInt8] {
            if buffer.count < count {
                let more = max(BackupWalk.piece, count - buffer.count)
                buffer += FileBytes.readUpTo(file, at: offset + buffer.count, count: more)
            }
            guard buffer.count >= count else { throw .changed(path: path) }
            let bytes = Array(buffer.prefix(count))
            buffer = buffer.dropFirst(count)
            offset += count
            hash.add(bytes)
            return bytes
        }

        mutating func takeNumber(_ bytes: Int, max: Int) throws(BackupError) -> Int {
            let number = BackupFormat.number(try take(bytes))
            guard number <= UInt64(max) else { throw .changed(path: path) }
            return Int(number)
        }

        mutating func takeJSON<Value: Decodable>(_ type: Value.Type) throws(BackupError) -> Value {
            let bytes = try take(takeNumber(4, max: 1 << 16))
            guard let value = try? RecordJSON.decode(type, from: Data(bytes)) else { throw .changed(path: path) }
            return value
        }

        var isAtEnd: Bool { buffer.isEmpty && FileBytes.readUpTo(file, at: offset, count: 1).isEmpty }
    }
}

/// Bytes out of the middle of a file.
enum FileBytes {
    /// `nil` unless there are as many.
    static func read(_ file: Int32, at offset: Int, count: Int) -> [UInt8]? {
        let bytes = readUpTo(file, at: offset, count: count)
        return bytes.count == count ? bytes : nil
    }

    static func readUpTo(_ file: Int32, at offset: Int, count: Int) -> [UInt8] {
        var filled = 0
        return [UInt8](unsafeUninitializedCapacity: count) { output, done in
            while filled < count {
                // SAFETY: the output has room for what is still missing.
                let got = unsafe pread(file, output.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
            done = filled
        }
    }
}
