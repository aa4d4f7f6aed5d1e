internal import NIOSSL
internal import Synchronization

/// One TLS context for each trust setting, made when first needed: the system's CA bundle costs 1.2 MB in each.
package final class TLSContexts: Sendable {
    private let contexts = Mutex<[Trust: NIOSSLContext]>([:])

    /// Far above the number of upstreams; a settings loop must not fill the memory.
    private static let contextsMax = 64

    package init() {}

    func context(for trust: Trust) throws(Failure) -> NIOSSLContext {
        let made: NIOSSLContext? = contexts.withLock { contexts in
            if let known = contexts[trust] { return known }
            guard let made = try? trust.makeContext() else { return nil }
            if contexts.count >= Self.contextsMax { contexts.removeAll() }
            contexts[trust] = made
            return made
        }
        guard let made else { throw Failure(.tlsFailed, "the certificates to trust can't be loaded", wasSent: false) }
        return made
    }
}
