/// What libFuzzer made up, taken from its beginning piece by piece: first what to try, then the bytes to try it with.
package struct Input {
    private var bytes: ArraySlice<UInt8>

    /// As `LLVMFuzzerTestOneInput` gets it.
    package init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        // SAFETY: libFuzzer owns `count` bytes at `start` for the length of the call.
        bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
    }

    package mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    /// One of so many choices.
    package mutating func choice(of count: Int) -> Int { Int(byte()) % count }

    package var rest: [UInt8] { Array(bytes) }
}

/// What must hold for every input; libFuzzer keeps the one for which it doesn't.
package func require(_ isSo: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) rethrows {
    guard try isSo() else { fatalError(what()) }
}

extension [UInt8] {
    /// Whether the others stand anywhere in it.
    package func holds(_ other: some Collection<UInt8>) -> Bool {
        !other.isEmpty && firstRange(of: other) != nil
    }
}
