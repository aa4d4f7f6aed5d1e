import Foundation
import KeyturnWire
import Testing

@Suite struct `What the packages hold` {
    /// A file that somebody adds and no list takes would be missing on every machine that the packages go to.
    @Test func `is every unit, page and example, each once`() throws {
        let lists = try ["keyturn", "keyturnd"].flatMap {
            try Repository.text("Sources/deb/debian/\($0).install").components(separatedBy: "\n")
        }
        let patterns = lists.filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: " ").first.map(String.init) }
        for folder in ["systemd", "docs/man", "docs/examples"] {
            let place = Repository.root.appending(path: folder).path
            for path in (try? FileManager.default.subpathsOfDirectory(atPath: place)) ?? [] where !path.hasSuffix(".end") {
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: "\(place)/\(path)", isDirectory: &isFolder), !isFolder.boolValue else {
                    continue
                }
                #expect(patterns.filter { Self.matches("\(folder)/\(path)", $0) }.count == 1, "\(folder)/\(path)")
            }
        }
    }

    @Test func `is this release`() throws {
        let changelog = try Repository.text("Sources/deb/debian/changelog")
        #expect(changelog.hasPrefix("keyturn (\(Release.version)-"))
    }

    /// As glob(3): `*` stops at a slash.
    private static func matches(_ path: String, _ pattern: String) -> Bool {
        fnmatch(pattern, path, FNM_PATHNAME) == 0
    }
}
