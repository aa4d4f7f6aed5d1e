import FoundationEssentials
import Secrets

/// Looks for secrets in files: as they are, in base64 and in hex.
struct SecretScan {
    private let needles: [[UInt8]]

    struct Result: Equatable {
        var files = 0
        var bytes = 0
        /// Files with a secret in them.
        var found: [String] = []
    }

    init(for secrets: [String]) {
        needles = secrets.flatMap { Self.spellings(of: Array($0.utf8)) }
    }

    func contains(_ content: Data) -> Bool {
        needles.contains { content.firstRange(of: $0) != nil }
    }

    /// Everything below a folder.
    func search(_ folder: String) throws(Failure) -> Result {
        var result = Result()
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else {
            throw .failed("'\(folder)' can't be listed.")
        }
        for name in names.sorted() {
            let file = URL(filePath: "\(folder)/\(name)")
            // Folders and the socket can't be read as files.
            guard let content = try? Data(contentsOf: file) else { continue }
            result.files += 1
            result.bytes += content.count
            if contains(content) { result.found.append(name) }
        }
        return result
    }

    private static func spellings(of secret: [UInt8]) -> [[UInt8]] {
        let hex = Hex.text(secret)
        return [secret, Array(hex.utf8), Array(hex.uppercased().utf8)] + (0..<3).flatMap { base64(of: secret, shiftedBy: $0) }
    }

    /// Base64 looks different at each position modulo 3: what surrounds the secret shares the characters at its ends.
    private static func base64(of secret: [UInt8], shiftedBy shift: Int) -> [[UInt8]] {
        let text = Data([UInt8](repeating: 0, count: shift) + secret).base64EncodedString().filter { $0 != "=" }
        let bits = (shift + secret.count) * 8
        let first = (shift * 8 + 5) / 6
        let whole = Array(text.utf8)[first..<(bits / 6)]
        let forURL = whole.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
        return [Array(whole), forURL]
    }
}
