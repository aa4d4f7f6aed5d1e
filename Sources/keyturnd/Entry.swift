import KeyturnWire
import Logging
import Settings
import ArgumentParser
import CPriority
import CWipe
import Foundation
import Glibc
import Host

@main
struct Keyturnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyturnd", abstract: "Hold API keys in a sealed vault and rotate them at their backends.",
        discussion: """
            Serves HTTP/1.1 with JSON on a Unix socket; 'keyturn' is its command line. Under systemd it takes its socket and its unlock key \
            from there. Without: keyturn init --vault DIR, then keyturnd --vault DIR --socket PATH.

            Flags win over KEYTURN_CONFIG, KEYTURN_VAULT, KEYTURN_SOCKET, KEYTURN_KEY_FILE, KEYTURN_COUNTER_FILE, KEYTURN_LOG_LEVEL and KEYTURN_LOG_FORMAT, which \
            win over the settings' files. Exit status: 0 stopped, 2 usage, 78 a fault that a restart can't mend.
            """,
        version: Release.version)

    @Option(help: ArgumentHelp("Settings to use in place of /etc/keyturn/keyturn.yaml.", valueName: "file")) var config: String?
    @Option(help: ArgumentHelp("The vault's folder.", valueName: "dir")) var vault: String?
    @Option(help: ArgumentHelp("Where to listen, unless systemd hands over a socket.", valueName: "path")) var socket: String?
    @Option(
        help: ArgumentHelp(
            "The unlock key; default: systemd's credential keyturn.key, else the vault's name with '.key' after it.", valueName: "file"))
    var keyFile: String?
    @Option(
        help: ArgumentHelp(
            "Where the vault's counter is mirrored, which tells an older copy of it; default: the vault's name with '.counter' after it.",
            valueName: "file"))
    var counterFile: String?
    @Flag(help: "A user's own daemon: settings, policy, vault and socket are below the XDG base directories.") var user = false
    @Flag(help: "Rotate what is due by itself, in place of the timers.") var rotateDue = false
    @Flag(help: "Read the settings and the policy, say what is wrong with them, and end.") var checkConfig = false

    static func main() async {
        // SAFETY: an empty function; calling it keeps the wiping `free` in a static link.
        keyturn_wipe_freed_memory()
        // SAFETY: the same, for the `setpriority` that does nothing.
        keyturn_keep_priority()
        do {
            var command = try parse()
            try await command.run()
        } catch {
            let isHelp = exitCode(for: error) == .success
            let code: Int32 = isHelp ? 0 : (error as? ExitCode)?.rawValue ?? 2
            if !(error is ExitCode) {
                (isHelp ? FileHandle.standardOutput : .standardError).write(Data((fullMessage(for: error) + "\n").utf8))
            }
            // SAFETY: exit(3) has no preconditions.
            Glibc.exit(code)
        }
    }

    /// A path on the command line or in the environment is meant from where it was typed.
    private static func absolute(_ path: String) -> String {
        path.isEmpty || path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }

    mutating func run() async throws {
        var flags: [SettingsSources.Flag: String] = [:]
        flags[.vault] = vault.map(Self.absolute)
        flags[.socket] = socket.map(Self.absolute)
        flags[.keyFile] = keyFile.map(Self.absolute)
        flags[.counterFile] = counterFile.map(Self.absolute)
        var environment = ProcessInfo.processInfo.environment
        for name in ["KEYTURN_VAULT", "KEYTURN_SOCKET", "KEYTURN_KEY_FILE", "KEYTURN_COUNTER_FILE"] {
            environment[name] = environment[name].map(Self.absolute)
        }
        let sources = try sources(environment, flags)
        let settings: DaemonSettings
        let log: DaemonLog
        let reloading: Reloading
        do throws(SettingsErrors) {
            settings = try sources.read()
            log = DaemonLog(
                level: Logger.Level(settings.logLevel), format: settings.logFormat.map(DaemonLog.Format.init),
                messageIDs: MessageIDs.byEvent)
            reloading = try Reloading(sources, settings, log: log)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(Daemon.unmendable)
        }
        if checkConfig {
            FileHandle.standardOutput.write(Data("The settings and the policy are fine.\n".utf8))
            return
        }
        let daemon = Daemon(settings: settings, reloading: reloading, rotatesDue: rotateDue, logger: log.makeLogger(label: "keyturnd"))
        let status = await daemon.run()
        if status != 0 { throw ExitCode(status) }
    }
}

extension Keyturnd {
    private func sources(_ environment: [String: String], _ flags: [SettingsSources.Flag: String]) throws -> SettingsSources {
        guard user else { return SettingsSources(environment: environment, flags: flags, onlyFile: config) }
        guard let folders = UserFolders(environment: environment) else {
            throw ValidationError("--user needs HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME.")
        }
        // systemd has made the socket's folder where it hands the socket over.
        if let socket = folders.socket, let folder = socket.lastIndex(of: "/").map({ socket[..<$0] }) {
            // SAFETY: the path is a C string for the length of the call.
            mkdir(String(folder), 0o700)
        }
        return SettingsSources(of: folders, environment: environment, flags: flags, onlyFile: config)
    }
}

extension Logger.Level {
    init(_ level: DaemonSettings.LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}

extension DaemonLog.Format {
    fileprivate init(_ format: DaemonSettings.LogFormat) {
        switch format {
        case .text: self = .text
        case .json: self = .json
        }
    }
}
