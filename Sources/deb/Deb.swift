import Foundation
import PackagePlugin

/// `swift package deb`: both programs, built in release, as Debian packages made by dpkg's own tools. They end up in the plug-in's own folder
/// of the build, so that it needs no permission to write anywhere.
@main
struct Deb: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) throws {
        guard arguments.isEmpty else { throw PackagingError("'swift package deb' takes no arguments.") }
        try Tool.requireAll()
        let output = context.pluginWorkDirectoryURL
        let repository = context.package.directoryURL
        let work = output.appending(path: "work")
        try? FileManager.default.removeItem(at: work)
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: repository.appending(path: "Sources/deb/debian"), to: work.appending(path: "debian"))

        let release = try DebianRelease(work: work)
        try MadeFiles(context: context, folder: work.appending(path: "made"), release: release).make()
        try Licences(of: context.package).append(to: work.appending(path: "debian/copyright"))
        for old in try FileManager.default.contentsOfDirectory(at: output, includingPropertiesForKeys: nil)
        where old.pathExtension == "deb" {
            try FileManager.default.removeItem(at: old)
        }
        for name in ["keyturn", "keyturnd"] {
            print(try DebianPackage(name: name, work: work, repository: repository, release: release).build(into: output).path)
        }
    }
}

/// Why there are no packages.
struct PackagingError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The newest entry of debian/changelog.
struct DebianRelease {
    let version: String
    /// Seconds since 1970. All that carries a time in a package carries this one, so that the same source makes the same package.
    let timestamp: String

    init(work: URL) throws {
        let parsed = Tool("dpkg-parsechangelog", in: work)
        version = try parsed.run("-S", "Version")
        timestamp = try parsed.run("-S", "Timestamp")
    }

    /// As mdoc(7) wants it: November 28, 2026.
    var day: String {
        get throws {
            guard let seconds = TimeInterval(timestamp) else { throw PackagingError("debian/changelog has no date that can be read.") }
            return Date(timeIntervalSince1970: seconds).formatted(
                Date.FormatStyle(date: .long, time: .omitted, locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt))
        }
    }
}
