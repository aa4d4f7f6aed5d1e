package import Model
internal import NIOCore
internal import NIOSSL
internal import Secrets

/// How a server's certificate is judged.
/// With a pin alone, the pin takes the place of chain, name and dates: it names the one key that is right. With both, both must hold.
package struct Trust: Hashable, Sendable {
    /// PEM certificates in place of the system's.
    package let caPEM: String?
    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    package let pin: [UInt8]?

    package static let system = Trust()

    private init() {
        caPEM = nil
        pin = nil
    }

    /// `pinSHA256` is 64 hex digits.
    package init(caPEM: String?, pinSHA256: String?) throws(InvalidValue) {
        if let caPEM { _ = try Self.certificates(caPEM) }
        self.caPEM = caPEM
        pin = if let pinSHA256 { try Self.pinBytes(pinSHA256) } else { nil }
    }

    var isPinOnly: Bool { pin != nil && caPEM == nil }

    func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        if isPinOnly {
            // The pin is judged by the connector's callback; hostnames stay out of it, and so does the system's CA bundle (1.2 MB a context).
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([])
        } else {
            configuration.certificateVerification = .fullVerification
            if let caPEM { configuration.trustRoots = .certificates(try Self.certificates(caPEM)) }
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// Whether the certificate has the pinned key; true where nothing is pinned.
    func pinHolds(for certificate: NIOSSLCertificate?) -> Bool {
        guard let pin else { return true }
        guard let key = try? certificate?.extractPublicKey().toSPKIBytes() else { return false }
        return SHA256.hash(key) == pin
    }

    private static func certificates(_ pem: String) throws(InvalidValue) -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), !certificates.isEmpty else {
            throw InvalidValue("one or more certificates in PEM form")
        }
        return certificates
    }

    private static func pinBytes(_ text: String) throws(InvalidValue) -> [UInt8] {
        let digits = text.utf8.compactMap { HexDigit.value($0) }
        guard digits.count == 2 * SHA256.byteCount, text.utf8.count == digits.count else {
            throw InvalidValue("a SHA-256 pin: 64 hexadecimal digits")
        }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
