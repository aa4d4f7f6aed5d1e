internal import Secrets

/// A few kilobytes of working memory that is zeroed at the end.
struct WipedBytes: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(capacity: Int) {
        memory = UnsafeMutableRawBufferPointer(start: WipedMemory.allocate(capacity), count: capacity)
    }

    deinit {
        WipedMemory.free(memory.baseAddress!)
    }

    var capacity: Int { memory.count }

    mutating func append(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }

    /// Cut off; zeroed with the rest.
    mutating func drop(last bytes: Int) {
        count = max(count - bytes, 0)
    }

    subscript(_ offset: Int) -> UInt8 {
        precondition(offset < count)
        return memory[offset]
    }
}
