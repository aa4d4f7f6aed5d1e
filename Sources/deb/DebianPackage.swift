import Foundation

/// One binary package: its files below a folder of its own, and what dpkg wants to know about them.
struct DebianPackage {
    let name: String
    /// Has `debian`, and `made` with the files that are built.
    let work: URL
    let repository: URL
    let release: DebianRelease

    private var debian: URL { work.appending(path: "debian") }
    private var root: URL { work.appending(path: "root/\(name)") }
    private var control: URL { root.appending(path: "DEBIAN") }

    /// The package's file.
    func build(into output: URL) throws -> URL {
        try FileManager.default.createDirectory(at: control, withIntermediateDirectories: true)
        try InstallList(try String(contentsOf: debian.appending(path: "\(name).install"), encoding: .utf8))
            .install(from: { $0.hasPrefix("made/") ? work.appending(path: $0) : repository.appending(path: $0) }, into: root)
        try addDocuments()
        try compress()
        try addScripts()
        try setModes()
        try link()
        try describe()
        let environment = ["SOURCE_DATE_EPOCH": release.timestamp]
        try Tool("dpkg-deb", in: work, environment: environment).run("--root-owner-group", "--build", root.path, output.path)
        let architecture = try Tool("dpkg", in: work).run("--print-architecture")
        return output.appending(path: "\(name)_\(release.version)_\(architecture).deb")
    }

    private func addDocuments() throws {
        let folder = root.appending(path: "usr/share/doc/\(name)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: debian.appending(path: "copyright"), to: folder.appending(path: "copyright"))
        try FileManager.default.copyItem(at: debian.appending(path: "changelog"), to: folder.appending(path: "changelog.Debian"))
        let overrides = debian.appending(path: "\(name).lintian-overrides")
        if FileManager.default.fileExists(atPath: overrides.path) {
            let place = root.appending(path: "usr/share/lintian/overrides")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: overrides, to: place.appending(path: name))
        }
    }

    /// Policy 12.1 and 12.7: man pages and changelogs are compressed, without a name and a time in them.
    private func compress() throws {
        let files = try files().filter { $0.path.contains("/usr/share/man/") || $0.lastPathComponent == "changelog.Debian" }
        try Tool("gzip", in: root).run(["-9n"] + files.map(\.path))
    }

    /// Maintainer scripts, with the names of the units that the package holds in place of `#UNITS#`: a template stands for its instances.
    private func addScripts() throws {
        let folder = root.appending(path: "usr/lib/systemd/system")
        let units = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        let words = units.map { $0.contains("@.") ? "'\($0.replacing("@.", with: "@*."))'" : $0 }
        for script in ["postinst", "prerm", "postrm"] {
            let source = debian.appending(path: "\(name).\(script)")
            guard FileManager.default.fileExists(atPath: source.path) else { continue }
            let text = try String(contentsOf: source, encoding: .utf8).replacing("#UNITS#", with: words.joined(separator: " "))
            try Data(text.utf8).write(to: control.appending(path: script))
        }
        let settings = try files().map { relative($0) }.filter { $0.hasPrefix("etc/") }
        if !settings.isEmpty {
            try Data(settings.map { "/\($0)\n" }.joined().utf8).write(to: control.appending(path: "conffiles"))
        }
    }

    private func setModes() throws {
        for file in try files() {
            let isProgram = file.path.contains("/usr/bin/") || ["postinst", "prerm", "postrm"].contains(file.lastPathComponent)
            try FileManager.default.setAttributes([.posixPermissions: isProgram ? 0o755 : 0o644], ofItemAtPath: file.path)
        }
        for folder in [root] + (try everything().filter(\.hasDirectoryPath)) {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        }
    }

    private func link() throws {
        let list = debian.appending(path: "\(name).links")
        guard FileManager.default.fileExists(atPath: list.path) else { return }
        try LinkList(try String(contentsOf: list, encoding: .utf8)).make(in: root)
    }

    /// What the program needs of other packages is read from the program; DEBIAN/control is made of that and debian/control.
    private func describe() throws {
        let substitutions = "-Tdebian/\(name).substvars"
        try Tool("dpkg-shlibdeps", in: work).run(substitutions, "root/\(name)/usr/bin/\(name)")
        try Tool("dpkg-gencontrol", in: work).run("-p\(name)", substitutions, "-P\(root.path)", "-O\(control.path)/control")
        let files = try files().map(relative).filter { !$0.hasPrefix("DEBIAN/") }.sorted()
        let sums = try Tool("md5sum", in: root).run(files) + "\n"
        try Data(sums.utf8).write(to: control.appending(path: "md5sums"))
        for made in ["control", "md5sums"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: control.appending(path: made).path)
        }
    }

    private func relative(_ file: URL) -> String { String(file.path.dropFirst(root.path.count + 1)) }

    private func files() throws -> [URL] { try everything().filter { !$0.hasDirectoryPath } }

    private func everything() throws -> [URL] {
        try FileManager.default.subpathsOfDirectory(atPath: root.path).map { path in
            var isFolder: ObjCBool = false
            let file = root.appending(path: path)
            _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
            return URL(filePath: file.path, directoryHint: isFolder.boolValue ? .isDirectory : .notDirectory)
        }
    }
}
