import Foundation

/// The programs as the build made them, beside the test bundle.
package enum Programs {
    package static let keyturn = path("keyturn", in: others)
    package static let keyturnd = path("keyturnd", in: others)
    package static let manualPage = path("manual-page")
    package static let simulator = path("keyturn-simulator")

    /// The library of Tests/Faults.
    package static let faults = path("libkeyturn-faults.so")

    /// A folder with other builds of the two programs, which are tested instead: those of a release.
    private static let others = ProcessInfo.processInfo.environment["KEYTURN_PROGRAMS"]

    private static func path(_ name: String, in folder: String? = nil) -> String {
        if let folder { return URL(filePath: folder).appending(path: name).standardizedFileURL.path }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: name).path
    }

    /// What a program inherits: ours, without anything that means something to Keyturn or to a service. Read once, since other tests of this
    /// process change it, and reading it meanwhile is a crash now and then.
    package static let environment: [String: String] = {
        ProcessInfo.processInfo.environment.filter { name, _ in
            !["KEYTURN_", "CREDENTIALS_", "NOTIFY_", "LISTEN_", "WATCHDOG_", "NO_COLOR", "FAULTS_"].contains {
                name.hasPrefix($0)
            }
        }
    }()
}
