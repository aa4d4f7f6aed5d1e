/// What a daemon is started in, where it is not the usual.
package struct Surroundings: Sendable {
    package var environment: [String: String] = [:]
    /// A listening socket, handed over as systemd does.
    package var listener: Int32?
    /// What its unit calls it.
    package var listenerName = "keyturn"
    /// The most files that it may have open.
    package var openFilesMax: Int?
    /// Whether its limits let it leave a core dump.
    package var mayLeaveCore = false
    /// What goes wrong with its calls, and what is recorded of them.
    package var faults: Faults?
    /// The process whose mounts it sees.
    package var mountsOf: Int32?

    package init(_ change: (inout Surroundings) -> Void = { _ in }) { change(&self) }

    /// The command that runs `program` so. A shell prepares its own process and then becomes the program, which keeps its process id.
    func command(_ program: [String]) -> [String] {
        var lines: [String] = []
        if listener != nil { lines += ["export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=\(listenerName)"] }
        if let openFilesMax { lines.append("ulimit -n \(openFilesMax)") }
        if mayLeaveCore { lines.append("ulimit -c unlimited") }
        let variables = environment.merging(faults?.environment ?? [:]) { $1 }
        lines += variables.sorted { $0.key < $1.key }.map { "export \($0.key)='\($0.value)'" }
        let enter = mountsOf.map { ["/usr/bin/env", "nsenter", "-t", String($0), "-m", "--"] } ?? []
        guard !lines.isEmpty else { return enter + program }
        return enter + ["/bin/sh", "-c", (lines + ["exec \"$0\" \"$@\""]).joined(separator: "\n")] + program
    }
}

/// What the library of Tests/Faults is told; its header says what each means.
package struct Faults: Sendable {
    /// The files that are meant: absolute paths that begin so.
    package let prefix: String
    package var log: String?
    package var fails: [Failing] = []
    package var clock: String?
    /// Its one byte says what stands still.
    package var hang: String?
    /// Calls are counted while the one byte of this file is not 0; `nil`: all are.
    package var armed: String?

    package init(prefix: String) {
        self.prefix = prefix
    }

    /// A call that fails.
    package struct Failing: Sendable, CustomStringConvertible {
        package let call: CallClass
        /// The how manieth of its class in the process, from 1.
        package let number: Int
        package let lasts: Bool
        package let error: String

        package init(_ call: CallClass, _ number: Int, _ error: String, lasts: Bool = false) {
            self.call = call
            self.number = number
            self.lasts = lasts
            self.error = error
        }

        package var description: String { "\(call.rawValue):\(number)\(lasts ? "+" : ""):\(error)" }
    }

    package enum CallClass: String, Sendable, CaseIterable {
        case write, sync, rename, open, malloc
    }

    package var environment: [String: String] {
        var variables = ["FAULTS_PREFIX": prefix, "LD_PRELOAD": Programs.faults]
        variables["FAULTS_LOG"] = log
        variables["FAULTS_CLOCK"] = clock
        variables["FAULTS_ARMED"] = armed
        variables["FAULTS_HANG"] = hang
        if !fails.isEmpty { variables["FAULTS_FAIL"] = fails.map(\.description).joined(separator: ",") }
        return variables
    }
}
