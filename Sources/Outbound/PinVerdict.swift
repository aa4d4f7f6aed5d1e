internal import NIOSSL

/// Judges one connection's certificate by the pin, and remembers a "no": what the TLS library makes of it afterwards names no reason.
/// Lives on the connection's event loop.
final class PinVerdict {
    private let trust: Trust
    private(set) var isNegative = false

    init(_ trust: Trust) {
        self.trust = trust
    }

    func holds(for certificate: NIOSSLCertificate?) -> Bool {
        let holds = trust.pinHolds(for: certificate)
        if !holds { isNegative = true }
        return holds
    }
}
