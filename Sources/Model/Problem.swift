/// Something that a caller asked for and that can't be: a stable code, a sentence that names what is wrong, and what to do next.
/// Carries no bytes and no foreign text that was not scrubbed.
package struct Problem: Error, Equatable {
    package let code: Code
    package let detail: String
    /// What to do next, a command where there is one.
    package let nextStep: String?

    package init(_ code: Code, _ detail: String, nextStep: String? = nil) {
        self.code = code
        self.detail = detail
        self.nextStep = nextStep
    }

    /// The stable codes of design.md section 7, `urn:keyturn:problem:<code>` on the wire.
    package enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case idempotencyMismatch = "idempotency-mismatch"
        case notAllowed = "not-allowed"
        case unknownConfig = "unknown-config"
        case unknownUpstream = "unknown-upstream"
        case unknownVersion = "unknown-version"
        case unknownRotation = "unknown-rotation"
        case unknownSlot = "unknown-slot"
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case nothingStaged = "nothing-staged"
        case rotationInProgress = "rotation-in-progress"
        case sharedKey = "shared-key"
        case duplicateKey = "duplicate-key"
        case bindingInUse = "binding-in-use"
        case alreadyBound = "already-bound"
        case upstreamInUse = "upstream-in-use"
        case lastSlot = "last-slot"
        case paused = "paused"
        case stuck = "stuck"
        case quarantined = "quarantined"
        case auditMismatch = "audit-mismatch"
        case changedMeanwhile = "changed-meanwhile"
        case tooLarge = "too-large"
        case wrongBox = "wrong-box"
        case keyRejected = "key-rejected"
        case tooManyRequests = "too-many-requests"
        case upstreamRefused = "upstream-refused"
        case upstreamAuth = "upstream-auth"
        case upstreamUnreachable = "upstream-unreachable"
        case storeFailed = "store-failed"
        case diskFull = "disk-full"
        case sealed = "sealed"
        case vaultOlder = "vault-older"
        case vaultAltered = "vault-altered"
        case stopping = "stopping"

        /// The HTTP status it travels with.
        package var status: Int {
            switch self {
            case .badRequest: 400
            case .notAllowed: 403
            case .unknownConfig, .unknownUpstream, .unknownVersion, .unknownRotation, .unknownSlot, .notFound: 404
            case .methodNotAllowed: 405
            case .nothingStaged, .rotationInProgress, .sharedKey, .duplicateKey, .bindingInUse, .alreadyBound, .upstreamInUse, .lastSlot,
                .paused, .stuck, .quarantined, .auditMismatch:
                409
            case .changedMeanwhile: 412
            case .tooLarge: 413
            case .idempotencyMismatch, .wrongBox, .keyRejected: 422
            case .tooManyRequests: 429
            case .storeFailed: 500
            case .upstreamRefused, .upstreamAuth: 502
            case .sealed, .vaultOlder, .vaultAltered, .stopping: 503
            case .upstreamUnreachable: 504
            case .diskFull: 507
            }
        }

        /// The sentence that goes with the code in every reply.
        package var title: String {
            switch self {
            case .badRequest: "The request is not valid"
            case .idempotencyMismatch: "This Idempotency-Key was used for another request"
            case .notAllowed: "The caller may not do this"
            case .unknownConfig: "There is no such config"
            case .unknownUpstream: "There is no such upstream"
            case .unknownVersion: "There is no such version"
            case .unknownRotation: "There is no such rotation"
            case .unknownSlot: "There is no such slot"
            case .notFound: "There is no such path"
            case .methodNotAllowed: "This path does not take this method"
            case .nothingStaged: "No credential is staged"
            case .rotationInProgress: "A rotation of this config is under way"
            case .sharedKey: "The remote configuration uses a shared key"
            case .duplicateKey: "The credential equals one that is in use"
            case .bindingInUse: "The binding is in use"
            case .alreadyBound: "The remote configuration is bound already"
            case .upstreamInUse: "The upstream is in use"
            case .lastSlot: "It is the last way into the vault"
            case .paused: "The config is paused"
            case .stuck: "The rotation is stuck and needs a decision"
            case .quarantined: "The config is in quarantine"
            case .auditMismatch: "The audit log is not the one that was named"
            case .changedMeanwhile: "It was changed in the meantime"
            case .tooLarge: "The request is too large"
            case .wrongBox: "The sealed box is not for this"
            case .keyRejected: "The backend rejected the key"
            case .tooManyRequests: "Too many requests"
            case .upstreamRefused: "The upstream refused"
            case .upstreamAuth: "The upstream does not accept the bearer token"
            case .upstreamUnreachable: "The upstream gave no usable answer"
            case .storeFailed: "The vault could not be read or written"
            case .diskFull: "The disk is full"
            case .sealed: "The vault is sealed"
            case .vaultOlder: "The vault is sealed: it may be an older copy"
            case .vaultAltered: "The vault is sealed: it was altered"
            case .stopping: "The daemon is stopping"
            }
        }
    }
}

extension Problem {
    /// A field of a request that does not hold what it should.
    package static func badField(_ field: String, _ invalid: InvalidValue) -> Problem {
        Problem(.badRequest, "'\(field)' must be \(invalid.rule).")
    }
}
