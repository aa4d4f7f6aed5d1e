package import Secrets

/// Makes a backend's message fit to be stored and shown: everything that it shares with a secret is masked, whether it stands there plain, in
/// base64, in hex, or escaped for JSON or a URL; control characters are gone; at most 300 characters are left.
///
/// Instead of encoding the secrets in all possible ways it decodes the message in all of them, and looks for any four bytes in a row that a
/// secret has, too. So it does not matter which part of a secret is quoted, how it is aligned, or which characters somebody chose to escape.
package struct Scrubber: ~Copyable {
    package static let charactersMax = 300
    /// What is shown comes from the beginning, so no more than this is looked at.
    static let windowBytes = 4096
    /// Where the window cuts a message, the last bytes may be the beginning of something that can't be recognised any more.
    private static let tailBytes = 64
    /// Escapes within escapes, such as JSON in JSON.
    private static let depthMax = 3
    private static let mask = "***"

    private var message: WipedBytes
    private var isMasked: [Bool]
    private let isCut: Bool

    /// Copies what it needs of `message`, which stays the caller's to wipe.
    package init(_ message: RawSpan) {
        var text = WipedBytes(capacity: Self.windowBytes)
        let fits = PlainText.copy(message, into: &text)
        if !fits { text.drop(last: Self.tailBytes) }
        isCut = !fits
        isMasked = [Bool](repeating: false, count: text.count)
        self.message = text
    }

    package mutating func hide(_ secret: borrowing Secret) {
        guard secret.count > 0, message.count > 0 else { return }
        secret.withBytes { bytes in
            let shingles = ShingleSet(of: bytes)
            var layer = ScrubLayer(copying: message)
            for _ in 0...Self.depthMax {
                for alphabet in ScrubAlphabet.allCases {
                    for alignment in 0..<alphabet.alignments { mark(layer, alphabet, alignment, shingles) }
                }
                guard let next = layer.unescaped() else { break }
                layer = next
            }
        }
    }

    /// Undoes one encoding on the fly and masks wherever four bytes of it are in the secret.
    private mutating func mark(
        _ layer: borrowing ScrubLayer, _ alphabet: ScrubAlphabet, _ alignment: Int, _ shingles: borrowing ShingleSet
    ) {
        var window = Window(length: shingles.length)
        var bits: UInt32 = 0
        var bitCount = 0
        var toSkip = alignment
        var start: UInt16 = 0  // of the character in which the byte under construction begins
        for offset in 0..<layer.count {
            switch alphabet.digit(layer.bytes[offset]) {
            case .filler: continue
            case .other:
                window = Window(length: shingles.length)
                bitCount = 0
                toSkip = alignment
            case .value where toSkip > 0: toSkip -= 1
            case .value(let digit):
                if bitCount == 0 { start = layer.places[offset].lowerBound }
                bits = bits << UInt32(alphabet.bits) | UInt32(digit)
                bitCount += alphabet.bits
                guard bitCount >= 8 else { continue }
                bitCount -= 8
                if let run = window.add(
                    UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)), start..<layer.places[offset].upperBound, shingles)
                {
                    for place in run { isMasked[Int(place)] = true }
                }
                start = layer.places[offset].lowerBound
            }
        }
    }

    /// The last decoded bytes.
    private struct Window {
        let length: Int
        private var shingle: UInt32 = 0
        private var count = 0
        private var starts: (UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0)

        init(length: Int) {
            self.length = length
        }

        /// The place of the last `length` bytes when they are in the secret.
        mutating func add(_ byte: UInt8, _ place: Range<UInt16>, _ shingles: borrowing ShingleSet) -> Range<UInt16>? {
            shingle = shingle << 8 | UInt32(byte)
            starts = (starts.1, starts.2, starts.3, place.lowerBound)
            count += 1
            let bits = length == ShingleSet.lengthMax ? UInt32.max : (1 << UInt32(8 * length)) - 1
            guard count >= length, shingles.contains(shingle & bits) else { return nil }
            let first =
                switch length {
                case 1: starts.3
                case 2: starts.2
                case 3: starts.1
                default: starts.0
                }
            return first..<place.upperBound
        }
    }

    /// What may be stored and shown.
    package consuming func text() -> String {
        var shown = String.UnicodeScalarView()
        var offset = 0
        var isComplete = !isCut
        while offset < message.count {
            var piece: [Unicode.Scalar]
            if characterIsMasked(at: offset) {
                while offset < message.count, characterIsMasked(at: offset) { offset += characterLength(at: offset) }
                piece = Array(Self.mask.unicodeScalars)
            } else {
                let length = characterLength(at: offset)
                piece = Array(String(decoding: (offset..<(offset + length)).map { message[$0] }, as: UTF8.self).unicodeScalars)
                offset += length
            }
            // One place is kept for the ellipsis.
            guard shown.count + piece.count < Self.charactersMax else {
                isComplete = false
                break
            }
            shown.append(contentsOf: piece)
        }
        if !isComplete { shown.append("…") }
        return String(shown)
    }

    private func characterIsMasked(at offset: Int) -> Bool {
        (offset..<(offset + characterLength(at: offset))).contains { isMasked[$0] }
    }

    /// The text is UTF-8 of our own making.
    private func characterLength(at offset: Int) -> Int {
        var length = 1
        while offset + length < message.count, message[offset + length] & 0xC0 == 0x80 { length += 1 }
        return length
    }
}
