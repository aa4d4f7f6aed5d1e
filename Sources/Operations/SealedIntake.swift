import Secrets
import Synchronization

/// The key that a sealed daemon offers: its boxes hold the root key and nothing else, it is new at each sealing, and one use burns it.
final class SealedIntake: Sendable {
    private let pair = Mutex<BoxKeyPair?>(nil)

    func offer(random: any RandomSource) -> BoxPublicKey {
        pair.withLock { pair in
            if let key = Self.publicKey(pair) { return key }
            let fresh = BoxKeyPair(random: random)
            let key = fresh.publicKey
            pair = consume fresh
            return key
        }
    }

    /// `nil` when it is not the one on offer. Whatever comes of it, it is not offered again.
    func take(id: String) -> BoxKeyPair? {
        pair.withLock { pair in
            guard Self.publicKey(pair)?.id == id else { return nil }
            return pair.take()
        }
    }

    func burn() {
        pair.withLock { $0 = nil }
    }

    private static func publicKey(_ pair: borrowing BoxKeyPair?) -> BoxPublicKey? {
        switch pair {
        case .some(let pair): pair.publicKey
        case .none: nil
        }
    }
}
