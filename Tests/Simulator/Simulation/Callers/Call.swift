import Model
import Operations
import Rotations

/// One request of somebody outside, as it was made.
struct Call {
    let what: String
    let config: ConfigName?
    var idempotencyKey: String?
    /// What the operator answers for by it.
    var word: Word?
    /// What is so once it is granted.
    var wish: Wish?
    let perform: @Sendable (VaultService) async throws -> Answer

    init(
        _ what: String, on config: ConfigName? = nil, idempotencyKey: String? = nil,
        perform: @escaping @Sendable (VaultService) async throws -> Answer
    ) {
        self.what = what
        self.config = config
        self.idempotencyKey = idempotencyKey
        self.perform = perform
    }
}

extension Call {
    enum Word: Hashable {
        case releases(ConfigName), releasesAll
        /// A vault that may be an older copy.
        case acceptsOlder
    }

    enum Wish: Hashable {
        case paused(until: Timestamp?), resumed
        case settings(everySeconds: Int64?)
        case removed, undeleted
    }

    func wishing(_ wish: Wish) -> Call {
        var call = self
        call.wish = wish
        return call
    }

    func meaning(_ word: Word) -> Call {
        var call = self
        call.word = word
        return call
    }
}

/// What the caller was told.
enum Answer: Sendable {
    case staged(VersionRecord, key: String)
    case rotation(Rotation)
    case notDue
    /// Of a daemon at rest: nothing changes while it is asked.
    case status(StatusSnapshot)
    case done
}
