import Foundation
import PackagePlugin

/// The licences and notices of the packages that a program is linked with statically: they want to be passed on.
struct Licences {
    private let packages: [Package]

    init(of package: Package) {
        var found: [String: Package] = [:]
        func visit(_ package: Package) {
            for dependency in package.dependencies.map(\.package) where found[dependency.id] == nil {
                found[dependency.id] = dependency
                visit(dependency)
            }
        }
        visit(package)
        packages = found.values.sorted { $0.displayName.lowercased() < $1.displayName.lowercased() }
    }

    func append(to copyright: URL) throws {
        var text = try String(contentsOf: copyright, encoding: .utf8)
        for package in packages {
            let names = try FileManager.default.contentsOfDirectory(atPath: package.directoryURL.path).sorted()
            let licences = names.filter { $0.uppercased().hasPrefix("LICENSE") || $0.uppercased().hasPrefix("NOTICE") }
            guard !licences.isEmpty else { throw PackagingError("The package \(package.displayName) has no licence to pass on.") }
            text += "\n---- \(package.displayName)\n"
            for name in licences {
                let licence = try String(contentsOf: package.directoryURL.appending(path: name), encoding: .utf8)
                text += "\n" + Self.shortened(licence)
            }
        }
        try Data(text.utf8).write(to: copyright)
    }

    /// Debian has the long text of Apache's licence on every machine; what a package adds to it follows that.
    private static func shortened(_ licence: String) -> String {
        guard licence.contains("Apache License"), let end = licence.range(of: "limitations under the License.\n") else { return licence }
        let more = licence[end.upperBound...].trimmingCharacters(in: .whitespacesAndNewlines)
        return "Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0\n" + (more.isEmpty ? "" : "\n\(more)\n")
    }
}
