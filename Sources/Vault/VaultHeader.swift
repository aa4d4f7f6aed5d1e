import Model

/// What a vault says of itself to who has no key yet.
struct VaultHeader: Codable, Sendable {
    let format: Int
    let createdAt: Timestamp

    static let key = [RecordTag.header]
}
