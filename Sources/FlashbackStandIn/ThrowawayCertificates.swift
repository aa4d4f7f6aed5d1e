internal import Crypto
internal import FoundationEssentials
internal import NIOCore
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// A certificate authority made for one run, and a server certificate as the options want it.
struct ThrowawayCertificates {
    let caPEM: String
    /// SHA-256 of the server key's SPKI, lower-case hex.
    let pin: String
    let context: NIOSSLContext

    init(_ kind: Options.CertificateKind) throws {
        let ca = try Authority()
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("stand-in") }
        let signsItself = kind == .selfSigned
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Date(timeIntervalSinceNow: -864_000),
            notValidAfter: Date(timeIntervalSinceNow: kind == .expired ? -86_400 : 864_000), issuer: signsItself ? name : ca.name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(
                    kind == .wrongName
                        ? [.dnsName("elsewhere.example")]
                        : [
                            .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                            .ipAddress(ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: 15) + [1])),
                        ])
            }, issuerPrivateKey: signsItself ? .init(key) : ca.key)
        let leafPEM = try leaf.serializeAsPEM().pemString
        caPEM = try ca.certificate.serializeAsPEM().pemString
        pin = SHA256.hash(data: key.publicKey.derRepresentation).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(leafPEM.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .milliseconds(100)
        context = try NIOSSLContext(configuration: configuration)
    }

    private struct Authority {
        let key: Certificate.PrivateKey
        let name: DistinguishedName
        let certificate: Certificate

        init() throws {
            let key = P256.Signing.PrivateKey()
            name = try DistinguishedName { CommonName("stand-in authority") }
            certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Date(timeIntervalSinceNow: -864_000),
                notValidAfter: Date(timeIntervalSinceNow: 864_000), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true))
                }, issuerPrivateKey: .init(key))
            self.key = .init(key)
        }
    }
}
