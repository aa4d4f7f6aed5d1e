import Foundation
import TestProcesses

/// A Debian that never saw Keyturn, booted with a systemd of its own, and the packages that `swift package deb` made lying in it: the ones
/// to install in `PACKAGES`, and the same with a higher version in `PACKAGES/newer`.
struct CleanDebian {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "clean-debian.sh").path
    private static let tree = URL(filePath: #filePath).appending(path: "../../../.build/clean-debian").standardizedFileURL.path
    static let packages = "/keyturn-packages"

    /// Where the packages are. They are not made here: that takes minutes, and a build inside of `swift test`.
    static let folder = ProcessInfo.processInfo.environment["KEYTURN_DEBS"].map { URL(filePath: $0) }

    static let isPossible =
        folder != nil && geteuid() == 0
        && ["/usr/sbin/debootstrap", "/usr/bin/dpkg-deb", "/usr/bin/apt-get"].allSatisfy(FileManager.default.isExecutableFile)

    static let lintian = "/usr/bin/lintian"

    static func files() throws -> [String] {
        guard let folder else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".deb") }.sorted()
            .map { folder.appending(path: $0).path }
    }

    /// Runs a shell script as root. `files` lie beside the packages.
    static func run(_ story: String, files: [String: String]) throws -> RealSystemd.Outcome {
        let made = try RealSystemd.run(script, [tree])
        guard made.status == 0 else { return made }
        let place = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: place.appending(path: "newer"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        for package in try Self.files() {
            let name = URL(filePath: package).lastPathComponent.prefix { $0 != "_" } + ".deb"
            try FileManager.default.copyItem(atPath: package, toPath: place.appending(path: name).path)
            try makeNewer(package, as: place.appending(path: "newer/\(name)"))
        }
        for (name, text) in files { try Data(text.utf8).write(to: place.appending(path: name)) }
        try Data("exec 2>&1\ncd \(packages)\n\(story)".utf8).write(to: place.appending(path: "story.sh"))
        return try RealSystemd.run(
            RealSystemd.boot,
            ["-R", tree, "-n", "host", "-T", "300", "-r", "\(place.path):\(packages)", "--", "/bin/bash", "\(packages)/story.sh"])
    }

    /// The same files under the version that an upgrade would have.
    private static func makeNewer(_ package: String, as newer: URL) throws {
        let root = newer.deletingPathExtension()
        _ = try RealSystemd.run("/usr/bin/dpkg-deb", ["--raw-extract", package, root.path])
        let control = root.appending(path: "DEBIAN/control")
        let text = try String(contentsOf: control, encoding: .utf8)
        guard let version = text.firstMatch(of: #/\nVersion: (\S+)/#)?.1 else { throw CocoaError(.fileReadCorruptFile) }
        try Data(text.replacing(version, with: "\(version)+newer").utf8).write(to: control)
        _ = try RealSystemd.run("/usr/bin/dpkg-deb", ["-Znone", "--root-owner-group", "--build", root.path, newer.path])
        try FileManager.default.removeItem(at: root)
    }
}
