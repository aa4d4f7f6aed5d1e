package import Model
import Rotations
package import Vault

/// A config as it is stored, with its live versions. Ended versions have records of their own.
package struct ConfigRecord: Sendable, Codable, Equatable {
    package let name: ConfigName
    package var binding: Binding
    /// `nil`: never due by itself.
    package var everySeconds: Int64?
    package var graceSeconds: Int64
    package var proves: Bool
    package var description: String?
    package let createdAt: Timestamp
    package var removedAt: Timestamp?
    /// The only truth about its schedule. Moves when a version becomes current, and when `everySeconds` is set.
    package var dueAt: Timestamp?
    /// Why automatic rotation is held, after one that was rejected or failed; until a rotation by hand or a newly staged key.
    package var hold: String?
    /// Why the last rotation that moves no version, a change of the fields or a check, did not succeed; until another one ends. It holds nothing.
    package var failure: String?
    /// Which bearer of the upstream, by its generation, the backend did not take at the last rotation, a `prove`.
    package var refusedBearer: Int?
    package var pause: Pause?
    /// Oldest first.
    package var versions: [VersionRecord] = []
    package var nextVersion: VersionNumber = 1
    /// The one rotation that may be under way: the lock, as a stored fact.
    package var unfinished: RotationID?
    package var lastRotation: RotationID?
    /// When a rotation last made a version current and succeeded. Not in records of before it was kept.
    package var lastSuccessAt: Timestamp?
    /// The backend's non-secret values as last listed or put.
    package var remoteFields = RemoteFields()
    /// Under which time the index has it as one with something to erase.
    package var eraseAt: Timestamp?
    /// The quarantine that it has left.
    package var released: String?

    /// Where its keys go.
    package struct Binding: Sendable, Codable, Equatable {
        package var upstream: UpstreamName
        package var remoteID: RemoteID
        package var aiType: AIType
        package var field: CredentialField

        package init(upstream: UpstreamName, remoteID: RemoteID, aiType: AIType, field: CredentialField) {
            self.upstream = upstream
            self.remoteID = remoteID
            self.aiType = aiType
            self.field = field
        }
    }

    package struct Pause: Sendable, Codable, Equatable {
        package let until: Timestamp?
        package let reason: String?
    }

    package func version(_ state: VersionState) -> VersionRecord? {
        versions.first { $0.state == state }
    }

    /// The newest previous one.
    package var newestPrevious: VersionRecord? {
        versions.last { $0.state == .previous }
    }

    /// The versions but this one that the backend may hold, or come to hold.
    package func othersThatMayBeHeld(but number: VersionNumber?) -> [VersionRecord] {
        versions.filter { $0.number != number && $0.landsUntil != nil }
    }

    package func isPaused(at time: Timestamp) -> Bool {
        guard let pause else { return false }
        return pause.until.map { time < $0 } ?? true
    }

    package mutating func update(_ number: VersionNumber, _ change: (inout VersionRecord) -> Void) {
        guard let index = versions.firstIndex(where: { $0.number == number }) else { return }
        change(&versions[index])
    }
}

/// One numbered credential of a config, without its bytes.
package struct VersionRecord: Sendable, Codable, Equatable {
    package let number: VersionNumber
    package var state: VersionState
    package var proof: Proof?
    package let createdAt: Timestamp
    package var currentSince: Timestamp?
    /// When the bytes of a previous or rejected one may be erased.
    package var eraseAfter: Timestamp?
    package var endedAt: Timestamp?
    package var reason: String?
    /// Which of `key` and `secret` it fills.
    package let hasKey: Bool
    package let hasSecret: Bool
    /// Non-secret fields that must change in the same PUT.
    package let fields: RemoteFields
    /// The non-secret values that later versions replaced, as they were with this one; they go back with it. Not in records of before they
    /// were kept.
    package var replacedFields: RemoteFields?
    /// Whether its own PUT was answered by `success: true`; an adopted one's never was.
    package var wasAccepted = false
    /// Whether it was ever handed to a rotation: the backend may have seen it.
    package var wasSent = false
    /// The vault's quarantine in which it was staged: then it is newer than what the vault was copied from.
    package var quarantine: String?
    /// Whether the operator called it burnt. Not in records of before there was such a word.
    package var isCompromised: Bool?

    /// Until about when a PUT of it with an unknown outcome may still land, by the wall clock, for people; whether it may, `StragglerWatch` knows.
    /// Kept when that has passed, since it may have landed, until a later PUT, begun after that, is confirmed.
    package var landsUntil: Timestamp?

    /// Such a one has no grace and is put back by an operator alone.
    package var isBurnt: Bool { isCompromised == true }
}

extension RecordKind where Value == ConfigRecord {
    package static let config = RecordKind(tag: 0x10, name: "config")
}

extension RecordKind where Value == VersionRecord {
    /// By config and number.
    static let endedVersion = RecordKind(tag: 0x11, name: "ended version")
}
