/// Why a file is not a backup that could be used.
package enum BackupError: Error, Equatable {
    case unreadable(path: String, String)
    case notABackup(path: String)
    case newer(path: String, format: Int)
    case cutOff(path: String)
    case changed(path: String)
    /// Everything fits together, but it was not made by who has the vault's key.
    case forged(path: String)

    package var detail: String {
        switch self {
        case .unreadable(let path, let why): "The file \(path) can't be read: \(why)."
        case .notABackup(let path): "\(path) is not a backup of a vault, as 'keyturn backup FILE' makes one."
        case .newer(let path, let format):
            "The backup \(path) has format \(format), which is newer than this version of Keyturn: use the one that made it."
        case .cutOff(let path): "The backup \(path) is not whole: its end is missing, or not its end. \(Self.advice)"
        case .changed(let path): "The backup \(path) is damaged: its checksum does not fit its content. \(Self.advice)"
        case .forged(let path): "The backup \(path) was changed or put together by somebody without the vault's key. \(Self.advice)"
        }
    }

    private static let advice = "Take another backup; keep this one only to look into what happened."

    /// A command that works when pasted into a shell.
    package var nextStep: String? {
        switch self {
        case .unreadable: nil
        case .notABackup, .cutOff, .changed, .forged: "keyturn help backup"
        case .newer: "keyturn version"
        }
    }
}
