extension RawSpan {
    /// Copies all bytes to the start of `target`, which must be large enough.
    package func copy(into target: UnsafeMutableRawBufferPointer) {
        // SAFETY: copyMemory checks that the target has room.
        unsafe withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }

    package func byte(_ offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
