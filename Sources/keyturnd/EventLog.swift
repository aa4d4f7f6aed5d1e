import Logging
import Model
import Operations
import Rotations
import Vault

/// Writes what happens to the log: each audit entry, and at the finest level each act of a rotation.
struct EventLog: EventListener {
    let logger: Logger

    func recorded(_ entry: AuditEntry) {
        log(entry.event, ["audit_seq": "\(entry.seq)"])
    }

    /// What can't have its entry in the audit log yet.
    func unrecorded(_ event: AuditEvent) {
        log(event, [:])
    }

    private func log(_ event: AuditEvent, _ fields: Logger.Metadata) {
        var metadata = fields
        metadata["event"] = "\(event.event)"
        metadata["config"] = event.config.map { "\($0)" }
        metadata["upstream"] = event.upstream.map { "\($0)" }
        metadata["rotation"] = event.rotation.map { "\($0)" }
        metadata["version"] = event.version.map { "\($0)" }
        metadata["outcome"] = event.outcome.map { "\($0)" }
        metadata["reason"] = event.reason.map { "\($0)" }
        metadata["caller_uid"] = event.caller.map { "\($0.uid)" }
        metadata["caller_unit"] = (event.caller?.unit).map { "\($0)" }
        let level = Self.level(event)
        // What is to be done depends on more than this event: there it is shown.
        if let config = event.config, level >= .warning { metadata["next_step"] = "keyturn config show \(config)" }
        let subject = (event.config.map { " \($0)" } ?? event.upstream.map { " \($0)" } ?? "")
        let reason = event.reason.map { ": \($0)" } ?? ""
        logger.log(level: level, "\(event.event)\(subject)\(reason)", metadata: metadata)
    }

    /// Whoever asked for them is told, and the disk's trouble is an entry of its own.
    func notRecorded(_ changes: Int) {}

    func roomChanged(to room: VaultStore.Room) {
        switch room {
        case .full:
            let full = VaultError.diskFull
            logger.error(
                "\(full.explanation)", metadata: ["event": "vault.disk-full", "reason": "\(full.code)", "next_step": "\(full.nextStep)"])
        case .enough:
            logger.notice(
                "The disk that holds the vault has room again; what was waiting goes on.", metadata: ["event": "vault.disk-has-room"])
        }
    }

    func rotation(_ rotation: Rotation, step: String) {
        logger.debug(
            "\(rotation.config): \(step)",
            metadata: ["config": "\(rotation.config)", "rotation": "\(rotation.id)", "version": "\(rotation.version ?? 0)"])
    }

    func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {
        let why = (error as? VaultError)?.detail ?? "The vault can't be used."
        logger.error(
            "\(rotation.config): it can't go on for now. \(why)",
            metadata: ["event": "rotation.cannot-go-on", "config": "\(rotation.config)", "rotation": "\(rotation.id)"])
    }

    /// What somebody should look at stands out.
    private static func level(_ event: AuditEvent) -> Logger.Level {
        switch event.event {
        case "rotation.stuck", "rotation.rejected", "rotation.failed": .error
        case "rotation.waiting", "rotation.reverting", "rotation.continued", "vault.quarantined", "upstream.bearer-dropped",
            "access.denied":
            .warning
        case "upstream.refresh-ended": event.outcome == "refreshed" ? .info : .warning
        default: .info
        }
    }
}
