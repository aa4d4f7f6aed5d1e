import FoundationEssentials
import Secrets

/// Where the vault's counter is kept a second time, outside the vault, so that an older copy of the whole vault is found.
package protocol CounterMirror: Sendable {
    /// What was written last; `nil` where there is nothing.
    func read() throws(VaultError) -> [UInt8]?

    /// Replaces it, whole and durable, or leaves it as it was.
    func write(_ bytes: [UInt8]) throws(VaultError)
}

/// What stands in the mirror: a counter, and who vouches for it.
struct CounterMark: Codable {
    let counter: Int64
    /// Keyed hashes in hexadecimal: one, or while the root key is being replaced one by each.
    let macs: [String]

    init(_ counter: Int64, by vaults: [OpenVault]) {
        self.counter = counter
        macs = vaults.map { Hex.text($0.mirrorMAC(of: counter)) }
    }

    enum Reading: Equatable {
        case none
        /// Not a mark, or one of another vault.
        case foreign
        case counter(Int64)
    }

    static func read(from mirror: any CounterMirror, by vault: OpenVault) throws(VaultError) -> Reading {
        guard let bytes = try mirror.read() else { return .none }
        guard let mark = try? RecordJSON.decode(CounterMark.self, from: Data(bytes)) else { return .foreign }
        let mac = Array(Hex.text(vault.mirrorMAC(of: mark.counter)).utf8)
        return mark.macs.contains { ConstantTime.equal(Array($0.utf8), mac) } ? .counter(mark.counter) : .foreign
    }

    func write(to mirror: any CounterMirror) throws(VaultError) {
        try mirror.write(Array(RecordJSON.encode(self)))
    }
}
