import FakeDaemon
import FoundationEssentials
import Testing

@testable import keyturn

@Suite struct `Searching files for secrets` {
    private static let secret = "sk-demo-0123456789abcdef"

    @Test(arguments: ["", "a", "ab", "abc"]) func `each spelling is found, wherever it begins`(_ before: String) {
        let scan = SecretScan(for: [Self.secret])
        let plain = Data((before + Self.secret + "tail").utf8)
        let hex = plain.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let base64 = plain.base64EncodedString()
        #expect(scan.contains(plain))
        #expect(scan.contains(Data(hex.utf8)))
        #expect(scan.contains(Data(hex.uppercased().utf8)))
        #expect(scan.contains(Data(base64.utf8)))
        #expect(scan.contains(Data(base64.replacing("+", with: "-").replacing("/", with: "_").utf8)))
    }

    @Test func `what is not there is not found`() {
        #expect(!SecretScan(for: [Self.secret]).contains(Data("sk-demo-0123456789abcdeX, and more".utf8)))
    }

    @Test func `a folder is searched to the bottom`() throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: false)
        _ = try folder.file("clean", "nothing")
        _ = try folder.file("in/dirty", "x\(Self.secret)")
        #expect(try SecretScan(for: [Self.secret]).search(folder.path) == .init(files: 2, bytes: 32, found: ["in/dirty"]))
    }
}
