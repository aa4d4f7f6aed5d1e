import Foundation
import PackagePlugin

/// What the packages hold that lies nowhere in the repository: the programs, and what these tell of themselves.
struct MadeFiles {
    let context: PluginContext
    let folder: URL
    let release: DebianRelease

    func make() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let built = try buildPrograms()
        for (name, section) in [("keyturn", "1"), ("keyturnd", "8")] {
            let program = built.appending(path: name)
            try manual(of: program, section: section)
            // As dh_strip(1) does it.
            try Tool("strip", in: folder)
                .run("--remove-section=.comment", "--remove-section=.note", "-o", name, program.path)
        }
        for (shell, name) in [("bash", "keyturn.bash"), ("zsh", "_keyturn"), ("fish", "keyturn.fish")] {
            let script = try Tool(built.appending(path: "keyturn").path, in: folder).run("--generate-completion-script", shell)
            try Data((script + "\n").utf8).write(to: folder.appending(path: name))
        }
    }

    /// PackageManager.build(_:parameters:) can link neither statically nor without a search path for libraries beside the program. The lock on
    /// the build folder is held by the 'swift package' that waits for us.
    private func buildPrograms() throws -> URL {
        let scratch = context.pluginWorkDirectoryURL.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let swift = Tool(try context.tool(named: "swift").url.path, in: context.package.directoryURL)
        for product in ["keyturnd", "keyturn"] {
            Diagnostics.progress("Building \(product)")
            try swift.run(
                "build", "--quiet", "--configuration", "release", "--static-swift-stdlib", "--disable-local-rpath", "--ignore-lock",
                // All symbols are bound at the start, so that their table is for reading alone afterwards.
                "-Xlinker", "-z", "-Xlinker", "now", "--scratch-path", scratch.path, "--product", product)
        }
        return scratch.appending(path: "release")
    }

    /// What its parser knows, and the rest from docs/man.
    private func manual(of program: URL, section: String) throws {
        let name = "\(program.lastPathComponent).\(section)"
        let end = context.package.directoryURL.appending(path: "docs/man/\(name).end")
        let page = try Tool(try context.tool(named: "manual-page").url.path, in: folder)
            .run(program.path, section, try release.day, end.path)
        try Data((page + "\n").utf8).write(to: folder.appending(path: name))
    }
}
