import Secrets

/// A hash of a whole set of records that changes with each of them: digests are added and taken out again, lane by lane modulo 2^64, in
/// any order. Without the key, nobody can make another set that has the same one.
struct RecordSetHash: Sendable, Equatable, Codable {
    private var lanes = [UInt64](repeating: 0, count: laneCount)

    private static let laneCount = 4

    init() {}

    mutating func add(_ digest: Digest) {
        for index in lanes.indices { lanes[index] &+= digest.lanes[index] }
    }

    mutating func remove(_ digest: Digest) {
        for index in lanes.indices { lanes[index] &-= digest.lanes[index] }
    }

    /// What one record adds.
    struct Digest {
        fileprivate let lanes: [UInt64]

        /// Keyed BLAKE2b of key, revision, and the tag that authenticates the rest; of what is not sealed, of the whole value.
        init(key: [UInt8], revision: Int64, value: [UInt8], with hashKey: RawSpan) {
            let isSealed = key.first.map { !RecordTag.plain.contains($0) } ?? false
            var message: [UInt8] = []
            message.reserveCapacity(1 + key.count + 8 + (isSealed ? Cipher.tagBytes : value.count))
            message.append(UInt8(truncatingIfNeeded: key.count))
            message += key
            for shift in stride(from: 56, through: 0, by: -8) { message.append(UInt8(truncatingIfNeeded: revision >> Int64(shift))) }
            message += isSealed ? value.suffix(Cipher.tagBytes) : value[...]
            let hash = Blake2b.hash(message, key: hashKey, count: 8 * RecordSetHash.laneCount)
            lanes = (0..<RecordSetHash.laneCount).map { lane in
                hash[(8 * lane)..<(8 * lane + 8)].reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    // MARK: Codable: sixteen hexadecimal digits a lane

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let parts = text.split(separator: "-").compactMap { UInt64($0, radix: 16) }
        guard parts.count == Self.laneCount else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a record set hash"))
        }
        lanes = parts
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(lanes.map { String($0, radix: 16) }.joined(separator: "-"))
    }
}
