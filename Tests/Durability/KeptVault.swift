import Foundation
import TestProcesses

/// A vault's files as they were when nobody used it: what is tried again and again begins with the same ones each time.
struct KeptVault: Sendable {
    /// By path beside the vault.
    private let files: [String: [UInt8]]

    init(_ files: [String: [UInt8]]) {
        self.files = files
    }

    /// Of an installation whose daemon has stopped, with the key files that lie beside it. Neither lock nor reserve belong to what is kept.
    init(of keyturn: Installation, keys: [String]) {
        files = keyturn.folder.files().filter { name, _ in
            keys.contains(name) || name.hasPrefix("vault") && !["vault/lock", "vault/reserve"].contains(name)
        }
    }

    /// In place of whatever is there.
    func place(in keyturn: Installation) throws {
        for name in ["vault", "vault.counter", "vault.counter.new"] {
            try? FileManager.default.removeItem(atPath: "\(keyturn.folder.path)/\(name)")
        }
        try FileManager.default.createDirectory(
            atPath: keyturn.vault, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for (name, bytes) in files { try keyturn.folder.file(name, bytes) }
    }
}
