import Foundation
import TestProcesses
import Testing

/// A systemd of its own, as PID 1 of new namespaces, with Keyturn's programs and units in it as the README installs them.
struct RealSystemd {
    private static let here = URL(filePath: #filePath).deletingLastPathComponent()
    static let repository = here.appending(path: "../..").standardizedFileURL
    static let boot = here.appending(path: "boot-systemd.sh").path
    static let units = repository.appending(path: "systemd")
    /// Where the repository's `systemd` folder is inside.
    static let folder = "/keyturn-test"
    /// Where the library of Tests/Faults is inside: among those that the sandbox lets a program load.
    static let faults = "/usr/lib/\(architecture)-linux-gnu/libkeyturn-faults.so"
    #if arch(arm64)
        private static let architecture = "aarch64"
    #else
        private static let architecture = "x86_64"
    #endif

    /// Whether one boots here: that takes root, systemd, D-Bus and namespaces.
    static let isPossible = geteuid() == 0 && (try? run(boot, ["-T", "60", "--", "/bin/true"]))?.status == 0

    static let whyNot: Comment = "skipped: no systemd boots here, which takes root, systemd, D-Bus and namespaces of its own"

    struct Outcome {
        let status: Int32
        let output: String

        /// What the script printed between `== NAME` and the next such line.
        subscript(name: String) -> String {
            output.components(separatedBy: "\n== ").first { $0.hasPrefix(name + "\n") }?.dropFirst(name.utf8.count + 1).description
                .trimmingCharacters(in: .newlines)
                ?? ""
        }
    }

    /// Runs a shell script after everything was installed. `files` lie in `folder` by their names. `backend`: the network is this machine's,
    /// so that a stand-in can be reached; else loopback alone. `environment` is that of PID 1.
    static func run(
        _ script: String, files: [String: String] = [:], backend: Bool = false, environment: [String: String] = [:]
    ) async throws -> Outcome {
        await turnstile.enter()
        defer { turnstile.leave() }
        let place = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        for unit in try FileManager.default.contentsOfDirectory(at: units, includingPropertiesForKeys: nil) {
            try FileManager.default.copyItem(at: unit, to: place.appending(path: unit.lastPathComponent))
        }
        for (name, text) in files { try Data(text.utf8).write(to: place.appending(path: name)) }
        try Data(("exec 2>&1\ncd \(folder)\n" + installation + script).utf8).write(to: place.appending(path: "script.sh"))
        try Data("[Service]\nExecPaths=\(try libraryFolders().joined(separator: " "))\n".utf8).write(
            to: place.appending(path: "libraries.conf"))
        var arguments = ["-n", backend ? "host" : "private", "-T", "300", "-r", "\(place.path):\(folder)"]
        for (name, value) in environment { arguments += ["-S", "\(name)=\(value)"] }
        for program in [Programs.keyturn, Programs.keyturnd] {
            arguments += ["-r", "\(program):/usr/bin/\(URL(filePath: program).lastPathComponent)"]
        }
        for unit in try FileManager.default.contentsOfDirectory(atPath: units.path)
        where ["service", "socket", "timer", "target"].contains(URL(filePath: unit).pathExtension) {
            arguments += ["-U", place.appending(path: unit).path]
        }
        // For the users inside as well.
        _ = try run("/bin/chmod", ["-R", "a+rX", place.path])
        arguments += ["-r", "\(Programs.faults):\(faults)"]
        arguments += ["-U", "\(place.path)/libraries.conf:keyturnd.service.d/libraries.conf"]
        let command = arguments + ["--", "/bin/bash", "\(folder)/script.sh"]
        // It takes seconds, which other tests need the pool's threads for.
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try run(boot, command) }) }
        }
    }

    /// More of them at once would starve one another, and every other test's time-outs with them.
    private static let turnstile = Turnstile(2)

    /// As the README says it; the daemon is not started. `$user COMMAND…` is a user who is logged in, without any right. `journalctl` shows all
    /// that was written by then: the journal takes in a unit's last lines after the unit has ended.
    private static let installation = """
        set -e
        install -D -m 644 keyturn.sysusers /etc/sysusers.d/keyturn.conf
        install -D -m 644 keyturn.tmpfiles /etc/tmpfiles.d/keyturn.conf
        install -D -m 644 policy.yaml /etc/keyturn/policy.yaml
        install -D -m 644 keyturn.catalog /usr/lib/systemd/catalog/keyturn.catalog
        journalctl --update-catalog
        install -D -m 644 -t /etc/systemd/user user/*
        systemd-sysusers && systemd-tmpfiles --create keyturn.conf
        keyturn init --systemd-credential
        systemctl daemon-reload
        systemctl start keyturnd.socket
        set +e
        journalctl() { command journalctl --sync && command journalctl "$@"; }
        user="systemd-run --quiet --pipe --wait -p User=dev -p WorkingDirectory=/home/dev -E HOME=/home/dev -E XDG_RUNTIME_DIR=/run/user/7777"
        log_in() { useradd -m -u 7777 dev && loginctl enable-linger dev && systemctl start user@7777.service; }

        """

    /// A debug build loads the Swift runtime from where the toolchain is, and the sandbox executes nothing from there.
    private static func libraryFolders() throws -> Set<String> {
        let loaded = try run("/usr/bin/ldd", [Programs.keyturnd]).output
        return Set(loaded.matches(of: #/=> (/\S+)/#).map { URL(filePath: String($0.1)).deletingLastPathComponent().path })
    }

    /// Runs a program, with both its outputs in one.
    static func run(_ program: String, _ arguments: [String]) throws -> Outcome {
        let process = Process()
        let pipe = Pipe()
        // Other tests of this process change its umask for a moment, when they listen somewhere.
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", #"umask 022; exec "$@""#, "sh", program] + arguments
        process.environment = Programs.environment
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self))
    }
}
