/// A page of a list. `next` goes into `?after=` for the page that follows; `null` after the last.
package struct Page<Item: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    package var items: [Item]
    @Nullable package var next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }

    package enum CodingKeys: String, CodingKey {
        case items, next
    }
}
