import Glibc
import Vault

/// Records in the order of their keys, as an engine on disk has them.
struct OrderedRecords {
    private var records: [[UInt8]: EngineRecord] = [:]
    private var keys: [[UInt8]] = []

    init(_ all: [EngineRecord] = []) {
        for record in all { self[record.key] = record }
    }

    subscript(key: [UInt8]) -> EngineRecord? {
        get { records[key] }
        set {
            switch (records[key], newValue) {
            case (nil, .some): keys.insert(key, at: place(of: key))
            case (.some, nil): keys.remove(at: place(of: key))
            case (nil, nil), (.some, .some): break
            }
            records[key] = newValue
        }
    }

    var all: [EngineRecord] { keys.compactMap { records[$0] } }

    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) -> [EngineRecord] {
        let (first, last) = (place(of: prefix), Self.end(of: prefix).map(place) ?? keys.count)
        let found: ArraySlice<[UInt8]>
        switch order {
        case .ascending:
            let start = after.map { max(first, place(of: $0 + [0])) } ?? first
            found = keys[min(start, last)..<last].prefix(limit)
        case .descending:
            let stop = after.map { min(last, place(of: $0)) } ?? last
            found = keys[first..<max(first, stop)].suffix(limit)
        }
        let records = found.compactMap { self.records[$0] }
        return order == .ascending ? records : records.reversed()
    }

    /// Of the first key that does not come before this one.
    private func place(of key: [UInt8]) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.isOrdered(keys[middle], before: key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first key behind all that begin with `prefix`.
    private static func end(of prefix: [UInt8]) -> [UInt8]? {
        var end = prefix
        while end.last == 0xFF { end.removeLast() }
        guard let last = end.popLast() else { return nil }
        return end + [last + 1]
    }

    /// As the bytes are, which `memcmp` compares at once: simulations do little else.
    private static func isOrdered(_ one: [UInt8], before other: [UInt8]) -> Bool {
        let shared = min(one.count, other.count)
        let order = one.withUnsafeBytes { one in
            other.withUnsafeBytes { other in
                guard let one = one.baseAddress, let other = other.baseAddress else { return Int32(0) }
                // SAFETY: both have `shared` bytes.
                return unsafe memcmp(one, other, shared)
            }
        }
        return order == 0 ? one.count < other.count : order < 0
    }
}
