import KeyturnClient
import KeyturnWire
import Vault

/// How the process ends. Part of the contract: scripts and units depend on it.
enum CommandExit: Int32, Sendable {
    case done = 0
    case failed = 1
    case usage = 2
    case denied = 3
    case unreachable = 4
    case notDue = 5
    case sealed = 6
}

/// Why a command could not do what it was asked to.
enum Failure: Error, Equatable {
    /// The command line, or what was to be read, is not what it should be.
    case usage(String, nextStep: String? = nil)
    /// Something on this side went wrong.
    case failed(String, nextStep: String? = nil)
    case client(ClientError)
    /// The daemon answers, but its vault is sealed, for the reason that `status` gives.
    case sealed(because: String?, nextStep: String?)

    /// About a vault or a key that this process opens or makes itself, without the daemon.
    static func vault(_ error: VaultError) -> Failure {
        switch error {
        // With what it opens is given to the command.
        case .wrongKey, .noKey, .badKeyFile, .awaitsPassphrase, .sealed: .failed(error.detail)
        default: .failed(error.detail, nextStep: error.nextStep)
        }
    }

    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ClientError: self = .client(error)
        default: self = .failed("\(error)")
        }
    }
}

extension Failure {
    var exit: CommandExit {
        switch self {
        case .usage: .usage
        case .failed: .failed
        case .sealed: .sealed
        case .client(.problem(let problem)): CommandExit(problem: problem.code)
        case .client(.unreachable), .client(.lost), .client(.unanswered): .unreachable
        case .client(.untrusted), .client(.garbage), .client(.backupCutOff): .failed
        }
    }

    /// As `--json` shows it. What never was HTTP has status 0.
    var document: ProblemDocument {
        switch self {
        case .usage(let detail, let nextStep): .local("usage", "The command line is not valid", detail, nextStep)
        case .failed(let detail, let nextStep): .local("failed", "It could not be done", detail, nextStep)
        case .sealed(let why, let nextStep):
            .local("sealed", "The vault is sealed", why ?? "The vault is sealed.", nextStep ?? "keyturn unseal")
        case .client(let error):
            switch error {
            case .problem(let problem): problem
            case .unreachable(let path, _):
                .local("unreachable", "The daemon can't be reached", error.detail, SocketChoice.whoToAsk(path))
            case .lost: .local("connection-lost", "The connection was lost", error.detail, "keyturn history")
            case .unanswered: .local("connection-lost", "The connection was lost", error.detail, "keyturn doctor")
            case .backupCutOff: .local("backup-cut-off", "The backup is not whole", error.detail, "keyturn status")
            case .untrusted:
                .local("untrusted-socket", "The socket is not to be trusted", error.detail, "pgrep -a keyturnd")
            case .garbage: .local("unreadable-answer", "The answer can't be read", error.detail, "keyturn version")
            }
        }
    }
}

extension CommandExit {
    /// From the stable code of a problem, as design.md section 7 maps it.
    init(problem code: String) {
        switch code {
        case "bad-request", "idempotency-mismatch": self = .usage
        case "not-allowed": self = .denied
        case "sealed", "vault-older", "vault-altered": self = .sealed
        default: self = .failed
        }
    }
}

extension ProblemDocument {
    fileprivate static func local(_ code: String, _ title: String, _ detail: String, _ nextStep: String?) -> ProblemDocument {
        ProblemDocument(type: typePrefix + code, title: title, status: 0, detail: detail, nextStep: nextStep)
    }
}
