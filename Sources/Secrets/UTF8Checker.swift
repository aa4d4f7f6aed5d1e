/// Accepts bytes one by one and tells whether they are well-formed UTF-8 (Unicode 15, table 3-7), keeping none of them.
struct UTF8Checker {
    private var pending = 0
    private var next: ClosedRange<UInt8> = 0x80...0xBF
    private var isBroken = false

    /// Well-formed, and no character is cut off.
    var isComplete: Bool { !isBroken && pending == 0 }

    mutating func take(_ byte: UInt8) {
        if pending > 0 {
            if !next.contains(byte) { isBroken = true }
            pending -= 1
            next = 0x80...0xBF
            return
        }
        switch byte {
        case 0x00...0x7F: break
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, first: 0xA0...0xBF)
        case 0xED: expect(2, first: 0x80...0x9F)
        case 0xE1...0xEF: expect(2)
        case 0xF0: expect(3, first: 0x90...0xBF)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, first: 0x80...0x8F)
        default: isBroken = true
        }
    }

    private mutating func expect(_ count: Int, first: ClosedRange<UInt8> = 0x80...0xBF) {
        pending = count
        next = first
    }
}
