package import Model
package import Secrets
package import Vault

/// Where the vault is and what opens it: looked at anew each time it is unsealed.
package protocol VaultSource: Sendable {
    /// This machine's id, where it has one.
    var machine: String? { get }

    /// Opens it with the key that is found beside it or was handed over by systemd. One of an earlier format is brought to today's.
    func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault

    /// Opens it with the root key.
    func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault

    /// The ways in, as they stand in the file; for a vault that nobody has open.
    func slots() throws(VaultError) -> [Slot]
}
