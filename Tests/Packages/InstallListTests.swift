import Foundation
import KeyturnWire
import Testing

@Suite struct `What the packages hold` {
    /// A file that somebody adds and no list takes would be missing on every machine that the packages go to.
    @Test func `is every unit, page and example, each once`() throws {
        let patterns = try Self.lines(of: "install").map { $0[0] }
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

    /// The pages lie in other folders there than here.
    @Test func `has every file that a page of it links to where the link leads`() throws {
        let lines = try Self.lines(of: "install").filter { $0.count == 2 }
        let links = try Self.lines(of: "links")
        func installed(_ path: String) -> String? {
            lines.first { Self.matches(path, $0[0]) }.map { "/\($0[1])/\(path.split(separator: "/").last ?? "")" }
        }
        let pages = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appending(path: "docs").path).map { "docs/\($0)" }
        var count = 0
        for page in ["README.md"] + pages.filter({ $0.hasSuffix(".md") }) {
            let place = try #require(installed(page), "\(page)")
            for link in try Repository.text(page).matches(of: #/\]\(([^):#]+)/#).map({ String($0.1) }) {
                guard let file = installed(Self.following(link, from: "/\(page)").dropFirst().description) else { continue }
                let led = links.reduce(Self.following(link, from: place)) { $0.replacing("/\($1[1])/", with: "/\($1[0])/") }
                #expect(led == file, "\(page): \(link)")
                count += 1
            }
        }
        #expect(count > 20)
    }

    private static func following(_ link: String, from page: String) -> String {
        URL(filePath: page).deletingLastPathComponent().appending(path: link).standardizedFileURL.path
    }

    @Test func `is this release`() throws {
        let changelog = try Repository.text("Sources/deb/debian/changelog")
        #expect(changelog.hasPrefix("keyturn (\(Release.version)-"))
    }

    private static func lines(of kind: String) throws -> [[String]] {
        let folder = Repository.root.appending(path: "Sources/deb/debian").path
        let lists = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".\(kind)") }
        return try lists.flatMap { try Repository.text("Sources/deb/debian/\($0)").split(separator: "\n") }
            .filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
    }

    /// As glob(3): `*` stops at a slash.
    private static func matches(_ path: String, _ pattern: String) -> Bool {
        fnmatch(pattern, path, FNM_PATHNAME) == 0
    }
}
