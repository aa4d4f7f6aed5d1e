#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// What went wrong below, in our words: nothing of a library's or a server's text gets through.
extension Failure {
    static let wrongPin = Failure(.tlsFailed, "the certificate does not match the pin", wasSent: false)
    static let untrusted = Failure(.tlsFailed, "the certificate is not trusted", wasSent: false)

    static let cutOff = Failure(.reset, "the connection was closed before the answer was complete", wasSent: true)

    /// While a connection was being made; nothing has been sent.
    init(connecting error: any Error) {
        switch error {
        case let known as Failure: self = known
        case let error as NIOConnectionError: self.init(error)
        case let error as IOError: self.init(.connectFailed, Self.words(errno: error.errnoCode), wasSent: false)
        case let error as NIOSSLError: self = Self.failure(tls: error)
        case is NIOSSLExtraError: self.init(.tlsFailed, "the certificate is for another name", wasSent: false)
        case is ChannelError: self.init(.connectFailed, "no connection could be made", wasSent: false)
        default: self.init(.tlsFailed, "the TLS handshake failed", wasSent: false)
        }
    }

    /// After the request was handed to the socket.
    init(exchanging error: any Error) {
        switch error {
        case let known as Failure: self = known
        case is DecryptedBytes.Overlong: self.init(.overlong, "the answer is too long", wasSent: true)
        case HTTPParserError.invalidEOFState: self = .cutOff
        case is HTTPParserError, is NIOHTTPDecoderError: self.init(.garbage, "the answer is not HTTP", wasSent: true)
        default: self.init(.reset, "the connection was reset after the request was sent", wasSent: true)
        }
    }

    private init(_ error: NIOConnectionError) {
        let refusals = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        if let code = refusals.first {
            self.init(.connectFailed, Self.words(errno: code), wasSent: false)
        } else if error.dnsAError != nil || error.dnsAAAAError != nil {
            self.init(.connectFailed, "the host name can't be resolved", wasSent: false)
        } else {
            self.init(.connectFailed, "no connection could be made", wasSent: false)
        }
    }

    private static func words(errno code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection refused"
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL: "the host can't be reached"
        case ECONNRESET, EPIPE, ENOTCONN: "the connection was reset"
        case EMFILE, ENFILE: "no file descriptor is left for a connection"
        case EACCES, EPERM: "this host does not allow the connection"
        default: "no connection could be made"
        }
    }

    private static func failure(tls error: NIOSSLError) -> Failure {
        switch error {
        // BoringSSL has no finer code for a chain that ends nowhere, a wrong purpose or a date out of range.
        case .handshakeFailed(let cause) where String(describing: cause).contains("CERTIFICATE_VERIFY_FAILED"): .untrusted
        case .noCertificateToValidate: Failure(.tlsFailed, "the server shows no certificate", wasSent: false)
        default: Failure(.tlsFailed, "the TLS handshake failed", wasSent: false)
        }
    }
}
