import ArgumentParser
import Foundation
import Model
import Testing
import Vault

@testable import keyturn

@Suite struct `The next step after an error of the vault` {
    /// Paths that a shell would trip over.
    private static let path = "/srv/it's here/vault"

    private static let vaultErrors: [VaultError] = [
        .missing(path: path), .missing(path: path, making: "keyturn init --systemd-credential"), .lost(path: path, trace: "the mirror"),
        .exists(path: path), .tooOpen(path: path, mode: "0750"), .wrongOwner(path: path, uid: 1, mustBe: 2),
        .inUse(path: path), .notAVault(path: path), .newer(format: 9), .wrongKey, .noKey("\(path) does not exist"), .awaitsPassphrase,
        .awaitsRecoveryKey,
        .mountPoint(path: path),
        .badKeyFile(path: path, "it is not a regular file"), .damaged(kind: "config"), .damagedDatabase("why"), .altered,
        .older(counter: 1, mirror: 2), .noMirror("why"), .sealed, .diskFull, .failed("why"),
    ]
    private static let backupErrors: [BackupError] = [
        .unreadable(path: path, "why"), .notABackup(path: path), .newer(path: path, format: 9), .cutOff(path: path), .changed(path: path),
        .forged(path: path),
    ]
    private static let others: Set = ["chmod", "chown", "df", "journalctl", "ls", "pgrep"]

    @Test(arguments: vaultErrors.map(\.nextStep) + backupErrors.compactMap(\.nextStep))
    func `is a command as a shell reads it, without anything to fill in`(_ step: String) throws {
        let words = try Self.words(step)
        #expect(words.allSatisfy { $0.first?.isUppercase != true }, "\(step) has something to fill in")
        guard words.first == "keyturn" else {
            #expect(Self.others.contains(words.first ?? ""), "\(step)")
            return
        }
        guard words.dropFirst().first != "help" else { return }
        _ = try Keyturn.parseAsRoot(ArgumentOrder(root: Keyturn.self).globalsLast(Array(words.dropFirst())))
    }

    @Test(arguments: vaultErrors) func `is what the explanation leads to, which ends as a sentence`(_ error: VaultError) {
        #expect(error.explanation.hasPrefix(error.detail) && error.explanation.hasSuffix("."))
        #expect(error.problem.detail == error.explanation && error.problem.nextStep == error.nextStep)
    }

    /// By the shell itself, one a line.
    private static func words(_ line: String) throws -> [String] {
        let (shell, output) = (Process(), Pipe())
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", "printf '%s\\n' \(line)"]
        shell.standardOutput = output
        try shell.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        try #require(shell.terminationStatus == 0)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
