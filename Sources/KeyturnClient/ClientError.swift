package import KeyturnWire

/// Why a call to the daemon has no answer to use. Sentences are for people; they carry nothing that the daemon was sent.
package enum ClientError: Error, Equatable {
    /// Nothing was sent: the socket could not be opened.
    case unreachable(path: String, why: String)
    /// The connection ended before the whole answer was there: what was asked for may have happened.
    case lost(path: String, why: String)
    /// The connection ended before the whole answer was there, and what was asked for changes nothing.
    case unanswered(path: String, why: String)
    /// A backup ended before its end: what came of it is none.
    case backupCutOff
    /// The process that serves the socket is not one to trust with a secret.
    case untrusted(path: String, why: String)
    /// The daemon said no.
    case problem(ProblemDocument)
    /// What came back is not what this version understands.
    case garbage(String)
}

extension ClientError {
    /// The daemon stops, and took no new request.
    var isTurnedAway: Bool { isStopping && !isInterrupted }

    /// The daemon stops; the rotation whose end was waited for goes on with the next one.
    var isInterrupted: Bool {
        if case .problem(let problem) = self { isStopping && problem.rotation != nil } else { false }
    }

    private var isStopping: Bool { if case .problem(let problem) = self { problem.code == "stopping" } else { false } }

    var isUnreachable: Bool { if case .unreachable = self { true } else { false } }

    /// A sentence for people.
    package var detail: String {
        switch self {
        case .unreachable(let path, let why): "The daemon can't be reached at \(path): \(why)."
        case .lost(let path, let why): "The connection to the daemon at \(path) was lost: \(why). What was asked for may have happened."
        case .unanswered(let path, let why): "The daemon at \(path) did not answer; the connection to it was lost: \(why)."
        case .backupCutOff:
            "The backup is not whole: the daemon broke it off, since it is stopping, its vault can't be read, or the backup took more than 10 minutes."
        case .untrusted(let path, let why): "No secret is sealed for the process that serves \(path): \(why)."
        case .problem(let problem): problem.detail
        case .garbage(let why): "The daemon's answer can't be read: \(why)."
        }
    }
}
