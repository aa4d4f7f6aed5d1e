import CSodium

/// For MACs: how long `==` takes tells how many bytes a guess has right.
package enum ConstantTime {
    /// Whether they have the same bytes; of different lengths, which are no secret, it is known at once (`sodium_memcmp`).
    package static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        // SAFETY: both arrays are valid for the count.
        return unsafe sodium_memcmp(one, other, one.count) == 0
    }
}
