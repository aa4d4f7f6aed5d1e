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
        case .notABackup(let path): "\(path) is not a backup of a vault."
        case .newer(let path, let format): "The backup \(path) has format \(format), which is newer than this version of Keyturn."
        case .cutOff(let path): "The backup \(path) is not whole: its end is missing, or not its end."
        case .changed(let path): "The backup \(path) is damaged: its checksum does not fit its content."
        case .forged(let path): "The backup \(path) was changed or put together by somebody without the vault's key."
        }
    }

    package var nextStep: String? {
        switch self {
        case .unreadable: nil
        case .notABackup: "A backup is made by: keyturn backup FILE"
        case .newer: "Use the version of Keyturn that made it, or a newer one."
        case .cutOff, .changed, .forged: "Take another backup; keep this one only to look into what happened."
        }
    }
}
