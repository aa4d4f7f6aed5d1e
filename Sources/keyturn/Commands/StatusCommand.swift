import ArgumentParser
import KeyturnClient
import KeyturnWire

struct StatusCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show whether all is well, and what to do where it is not.",
        discussion:
            "Exit status: 1 if anything is failed, overdue, stuck or in quarantine, the disk is full, or the last reload was refused, 6 if the vault is sealed."
    )

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let status = try await context.daemon.status().body
        context.console.show(status) { Self.describe(status, on: context.console) }
        return Self.exit(for: status)
    }

    static func exit(for status: Status) -> CommandExit {
        guard !status.sealed else { return .sealed }
        let isBad = badStates.contains { status.configs[$0, default: 0] > 0 } || status.attention.contains { badStates.contains($0.state) }
        return isBad || status.diskFull || status.quarantine != nil || status.reloadRefused != nil ? .failed : .done
    }

    private static let badStates = ["failed", "overdue", "stuck", "quarantined"]

    private static func describe(_ status: Status, on console: Console) {
        guard !status.sealed else {
            console.line("keyturnd \(status.version): ", Styled("sealed", .bad))
            if let reason = status.sealedReason { console.line("\(reason)") }
            if let nextStep = status.nextStep { console.line("  try: \(console.pasted.text(nextStep))") }
            return
        }
        console.line("keyturnd \(status.version): ", Styled("unsealed", .good), "; \(counts(status))")
        console.line("Last backup: ", Styled(status.lastBackupAt ?? "none"))
        if let quarantine = status.quarantine {
            console.line(Styled("In quarantine", .bad), " since \(quarantine.since). \(quarantine.reason)")
            console.line("  try: \(console.pasted.text(quarantine.nextStep))")
        }
        if status.diskFull {
            console.line(Styled("The disk that holds the vault is full.", .bad), " Rotations wait and nothing new begins; reading goes on.")
            if let nextStep = status.nextStep { console.line("  try: \(console.pasted.text(nextStep))") }
        }
        if let why = status.reloadRefused {
            console.line(Styled("The last reload was refused", .bad), ", and what was in force before it is: \(why)")
            console.line("  try: \(console.pasted.text("keyturn doctor"))")
        }
        for loss in status.bearersLost {
            console.line("The upstream \(loss.upstream) ", Styled("lost its bearer", .bad), " at \(loss.at): \(loss.reason).")
            console.line("  try: \(console.pasted.text(loss.nextStep))")
        }
        if !status.attention.isEmpty {
            console.line("")
            console.table(
                Table(
                    "CONFIG", "STATE", "REASON", "NEXT STEP",
                    rows: status.attention.map {
                        [Styled($0.config), .state($0.state), Styled($0.reason), Styled($0.nextStep.map(console.pasted.text))]
                    }))
        } else if status.configs.values.reduce(0, +) > 0, !status.diskFull, status.quarantine == nil, status.bearersLost.isEmpty,
            status.reloadRefused == nil
        {
            console.line("Nothing needs attention.")
        }
        if !status.hasRecoverySlot {
            console.note("Only its unlock key opens the vault: if it is lost, so is the vault.")
            console.hint(RecoverySlot.adding)
        }
        if status.upstreams == 0 {
            console.note("There is no upstream yet: the backend whose keys are to be rotated comes first.")
            console.hint("keyturn upstream set NAME --base-url URL --token-stdin")
        } else if status.configs.values.reduce(0, +) == 0 {
            console.note("There is no config yet.")
            console.hint("keyturn config set NAME --upstream NAME --id REMOTE_ID --ai-type TYPE")
        }
    }

    private static func counts(_ status: Status) -> String {
        let total = status.configs.values.reduce(0, +)
        let states = status.configs.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let shown = states.isEmpty ? "" : " (\(states.joined(separator: ", ")))"
        return "\(counted(total, "config"))\(shown), \(counted(status.upstreams, "upstream"))"
    }

    private static func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
