import Foundation

/// The programs as the build made them, beside the test bundle.
package enum Programs {
    package static let keyturn = path("keyturn")
    package static let keyturnd = path("keyturnd")
    package static let manualPage = path("manual-page")
    package static let simulator = path("keyturn-simulator")

    /// The library of Tests/Faults.
    package static let faults = path("libkeyturn-faults.so")

    private static func path(_ name: String) -> String {
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
