/// What happened, in order: its hash tells whether two runs were the same, its lines what to look at.
package struct Trace: Sendable {
    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    package private(set) var lines: [String] = []
    private let keepsLines: Bool

    init(keepsLines: Bool) {
        self.keepsLines = keepsLines
    }

    /// FNV-1a.
    mutating func add(_ line: String) {
        var line = line
        hash = line.withUTF8 { bytes in
            var hash = hash
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            return hash
        }
        if keepsLines { lines.append(line) }
    }
}
