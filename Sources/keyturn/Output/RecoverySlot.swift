import KeyturnWire

/// A way into the vault for the day when its unlock key is lost.
enum RecoverySlot {
    /// Put away from the machine, its file withstands what becomes of that.
    static let adding = #"keyturn slot add --recipient "$(keyturn recovery-key recovery.key)""#
}

extension Status {
    /// Sealed, it can't say.
    var hasRecoverySlot: Bool {
        slots.isEmpty || slots["passphrase", default: 0] + slots["recipient", default: 0] > 0
    }
}
