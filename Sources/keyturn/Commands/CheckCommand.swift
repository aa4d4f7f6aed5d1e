import ArgumentParser
import Foundation
import KeyturnClient
import KeyturnWire
import Model

struct CheckCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tell a monitoring system in one line whether all is well.",
        discussion: """
            A plug-in for Nagios, Icinga and their kin, made of what 'keyturn status' says; it needs the right 'status'.

            Exit status, other than of all other commands: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
              CRITICAL  anything is failed, overdue, stuck or in quarantine, the vault is sealed, the disk is full, or no answer came
              WARNING   anything waits, or is due within a week with nothing staged; an upstream lost its token; the last backup is too old
              UNKNOWN   the caller may not ask, or the command line is wrong
            """)

    @OptionGroup(title: "Global options") var flags: GlobalFlags
    @Option(
        help: ArgumentHelp("How old the last backup may be before it is a WARNING; 0 asks for none.", valueName: "duration"),
        transform: { (text) throws in try TimeSpan(text) })
    var backupAge = TimeSpan(.seconds(8 * 86_400))

    func perform(_ context: Context) async throws -> CommandExit {
        let report = await report(context.daemon)
        if context.console.isJSON { context.console.json(report.document) } else { context.console.line("\(report.line)") }
        return CommandExit(report.verdict)
    }

    private func report(_ daemon: Daemon) async -> CheckReport {
        do throws(ClientError) {
            return CheckReport(of: try await daemon.status().body, at: Timestamp(Date()), backupAgeMax: backupAge.duration)
        } catch {
            return CheckReport(instead: error)
        }
    }
}

extension CommandExit {
    /// Monitoring plug-ins give the numbers meanings of their own.
    init(_ verdict: CheckReport.Verdict) {
        switch verdict {
        case .ok: self = .done
        case .warning: self = .failed
        case .critical: self = .usage
        case .unknown: self = .denied
        }
    }

    /// For a command line that can't be read.
    static func usage(of arguments: [String]) -> CommandExit {
        arguments.first == CheckCommand.configuration.commandName ? CommandExit(.unknown) : .usage
    }
}
