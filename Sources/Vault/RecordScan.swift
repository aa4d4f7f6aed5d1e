/// One walk over all records, page by page, that tells whether they are the ones which the vault's state was made from.
struct RecordScan {
    private let vault: OpenVault
    private var found = RecordSetHash()
    private var last: [UInt8]?

    /// Small, since who asks for something else waits for a page.
    fileprivate static let pageSize = 256

    init(of vault: OpenVault) {
        self.vault = vault
    }

    /// False when there was nothing more.
    mutating func readPage() throws(VaultError) -> Bool {
        let page = try vault.page(after: last, limit: Self.pageSize)
        vault.withKeys {
            for record in page where record.key != OpenVault.stateKey { found.add(vault.digest(of: record)) }
        }
        last = page.last?.key ?? last
        return page.count == Self.pageSize
    }

    /// After the last page. Names the record that was changed, where it is one that does not open.
    func requireMatch(with state: VaultState, names: [UInt8: String]) throws(VaultError) {
        guard found != state.records else { return }
        try vault.requireAllOpen(names: names)
        throw .altered
    }
}

extension OpenVault {
    /// That every sealed record opens in its place, and that there are those of the last commit and no others.
    func requireSound(names: [UInt8: String]) throws(VaultError) {
        try requireAllOpen(names: names)
        var scan = RecordScan(of: self)
        while try scan.readPage() {}
        try scan.requireMatch(with: VaultView(vault: self).vaultState(), names: names)
    }

    fileprivate func requireAllOpen(names: [UInt8: String]) throws(VaultError) {
        var last: [UInt8]?
        repeat {
            let page = try page(after: last, limit: RecordScan.pageSize)
            for record in page where !RecordTag.plain.contains(record.key.first ?? 0) {
                guard isGenuine(record) else { throw .damaged(kind: record.key.first.flatMap { names[$0] } ?? "unknown") }
            }
            last = page.last?.key
        } while last != nil
    }
}

extension OpenVault {
    fileprivate func page(after: [UInt8]?, limit: Int) throws(VaultError) -> [EngineRecord] {
        do { return try engine.range([], after: after, order: .ascending, limit: limit) } catch { throw VaultError(error) }
    }

    fileprivate func isGenuine(_ record: EngineRecord) -> Bool {
        // Into guarded memory: it may be a secret.
        (try? openSecret(record, kind: "")) != nil
    }
}
