internal import Secrets

/// All runs of four bytes of a secret (of a shorter one, the whole of it): a hash table with open addressing, at most half full, in memory
/// that is wiped.
struct ShingleSet: ~Copyable {
    /// Runs this long are hidden; shorter ones can't be told from chance.
    static let lengthMax = 4

    /// How long the runs are: 4, or less for a shorter secret.
    let length: Int

    private let slots: UnsafeMutableBufferPointer<UInt32>
    private let mask: Int
    /// Zero marks a free slot, so the shingle of four zero bytes is kept apart.
    private var hasZero = false

    init(of secret: RawSpan) {
        length = min(secret.byteCount, Self.lengthMax)
        let count = secret.byteCount - length + 1
        var capacity = 16
        while capacity < 2 * count { capacity *= 2 }
        mask = capacity - 1
        let memory = WipedMemory.allocate(capacity * MemoryLayout<UInt32>.size)
        slots = UnsafeMutableBufferPointer(start: memory.bindMemory(to: UInt32.self, capacity: capacity), count: capacity)
        slots.initialize(repeating: 0)
        var shingle: UInt32 = 0
        for offset in 0..<secret.byteCount {
            shingle = shingle << 8 | UInt32(secret.byte(offset))
            if offset >= length - 1 { insert(shingle) }
        }
    }

    deinit {
        WipedMemory.free(UnsafeMutableRawPointer(slots.baseAddress!))
    }

    func contains(_ shingle: UInt32) -> Bool {
        guard shingle != 0 else { return hasZero }
        var slot = Self.hash(shingle) & mask
        while slots[slot] != 0 {
            if slots[slot] == shingle { return true }
            slot = (slot + 1) & mask
        }
        return false
    }

    private mutating func insert(_ shingle: UInt32) {
        guard shingle != 0 else {
            hasZero = true
            return
        }
        var slot = Self.hash(shingle) & mask
        while slots[slot] != 0, slots[slot] != shingle { slot = (slot + 1) & mask }
        slots[slot] = shingle
    }

    private static func hash(_ shingle: UInt32) -> Int {
        Int(truncatingIfNeeded: (shingle &* 0x9E37_79B1) >> 7)
    }
}
