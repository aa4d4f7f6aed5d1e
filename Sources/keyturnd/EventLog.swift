import Logging
import Model
import Operations
import Rotations
import Vault

/// Writes what happens to the log: each audit entry, and at the finest level each act of a rotation.
struct EventLog: EventListener {
    let logger: Logger

    func recorded(_ entry: AuditEntry) {
        let event = entry.event
        var metadata: Logger.Metadata = ["event": "\(event.event)", "audit_seq": "\(entry.seq)"]
        metadata["config"] = event.config.map { "\($0)" }
        metadata["upstream"] = event.upstream.map { "\($0)" }
        metadata["rotation"] = event.rotation.map { "\($0)" }
        metadata["version"] = event.version.map { "\($0)" }
        metadata["outcome"] = event.outcome.map { "\($0)" }
        metadata["reason"] = event.reason.map { "\($0)" }
        metadata["caller_uid"] = event.caller.map { "\($0.uid)" }
        metadata["caller_unit"] = (event.caller?.unit).map { "\($0)" }
        logger.log(level: Self.level(event.event), "\(event.event)\(event.config.map { " \($0)" } ?? "")", metadata: metadata)
    }

    func roomChanged(to room: VaultStore.Room) {
        switch room {
        case .full:
            let full = VaultError.diskFull
            logger.error("\(full.explanation)", metadata: ["reason": "\(full.code)", "next_step": "\(full.nextStep)"])
        case .enough: logger.notice("The disk that holds the vault has room again; what was waiting goes on.")
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
            "\(rotation.config): it can't go on for now. \(why)", metadata: ["config": "\(rotation.config)", "rotation": "\(rotation.id)"])
    }

    /// What somebody should look at stands out.
    private static func level(_ event: String) -> Logger.Level {
        switch event {
        case "rotation.stuck", "rotation.rejected", "rotation.failed": .error
        case "rotation.waiting", "rotation.reverting", "rotation.continued": .warning
        default: .info
        }
    }
}
