import ArgumentParser
import KeyturnClient
import KeyturnWire

struct DoctorCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at the whole installation, and say what to mend and how.",
        discussion: """
            Units, socket, settings, policy, vault, unlock key, clock, slots, backups, configs and upstreams. Works while the daemon is down; as \
            root it sees everything, as another user what that user may see, and says what it could not.
            Exit status: 0 when all was looked at and is well, else 1.
            """)

    @Flag(help: "Look at your own daemon, even if its socket is gone.") var user = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    /// A daemon that was started this long ago and has not answered fails to start.
    private static let patience = Duration.seconds(15)

    func perform(_ context: Context) async throws -> CommandExit {
        let choice = SocketChoice(flag: flags.socket, environment: context.environment)
        let patient = try Patient(choice, isUser: user, environment: context.environment)
        let diagnosis = await examine(patient)
        let console = context.console
        console.show(diagnosis) { Self.tell(diagnosis, on: console) }
        return diagnosis.isWell ? .done : .failed
    }

    /// What is below comes first: a finding further up may follow from it.
    private func examine(_ patient: Patient) async -> Diagnosis {
        var limits = Daemon.Limits()
        limits.replyTime = Self.patience
        let daemon = DaemonCheck(patient: patient, daemon: Daemon(socketPath: patient.socket, limits: limits))
        // The first look may start the daemon; what the units say of it comes after.
        let (status, answer) = await askedUntilItFails(daemon, patient)
        var diagnosis = Diagnosis()
        let units = await units(of: patient, &diagnosis)
        let slots = status == nil ? nil : await daemon.slots()
        await FileCheck(patient: patient, status: status, units: units, slots: slots).examine(into: &diagnosis)
        if let units { UnitCheck(patient: patient, units: units).examine(into: &diagnosis) }
        SocketCheck(patient: patient, units: units).examine(into: &diagnosis)
        if let status {
            await daemon.examine(status, units, into: &diagnosis)
        } else {
            diagnosis.add(answer, unlessFound: ["no-socket", "unlock-key-unusable", "daemon-refuses", "daemon-fails"])
        }
        return diagnosis
    }

    /// A daemon that is started by the question and does not come up is not waited for.
    private func askedUntilItFails(_ daemon: DaemonCheck, _ patient: Patient) async -> (Status?, Diagnosis) {
        await withTaskGroup(of: (Status?, Diagnosis)?.self) { group in
            group.addTask {
                var answer = Diagnosis()
                let status = await daemon.status(into: &answer)
                return (status, answer)
            }
            group.addTask {
                while patient.kind != .byHand, (try? await Task.sleep(for: .milliseconds(500))) != nil {
                    guard let units = try? await Units.read(of: patient) else { return nil }
                    if units.isFailing { return (nil, Diagnosis()) }
                }
                return nil
            }
            defer { group.cancelAll() }
            for await answer in group { if let answer { return answer } }
            return (nil, Diagnosis())
        }
    }

    private func units(of patient: Patient, _ diagnosis: inout Diagnosis) async -> Units? {
        guard patient.kind != .byHand else { return nil }
        do throws(Failure) { return try await Units.read(of: patient) } catch {
            diagnosis.couldNotSee("the units", error.document.detail)
            return nil
        }
    }

    private static func tell(_ diagnosis: Diagnosis, on console: Console) {
        for finding in diagnosis.findings {
            console.line(Styled(finding.code, .bad), ": \(finding.reason)")
            console.line("  try: \(console.pasted.text(finding.nextStep))")
        }
        for unseen in diagnosis.unseen { console.line(Styled("not seen", .warning), ": \(unseen.what), since \(unseen.why)") }
        for note in diagnosis.notes { console.note("\(note)") }
        if diagnosis.isWell { console.line(Styled("All is well.", .good)) }
    }
}
