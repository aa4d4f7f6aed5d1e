import Model
import Rotations

/// The backends as the outside world knows them: what each remote configuration holds, what is still on its way, whose bearer is good.
/// Truthful in this: what it answered with `success: true` it had stored, what it refused it had not.
final class Backend {
    struct Remote {
        /// Whatever was there before Keyturn came.
        var held: String? = Backend.foreignKey
        /// Whether `held` came from Keyturn or was adopted by it: only that can be missed.
        var isOurs = false
        var fields = RemoteFields(name: "first", endpoint: "https://one.test", aiType: .openAI)
        var isGone = false
        /// The list leaves it out, though it is there.
        var isUnlisted = false
        var usesSharedKey = false
        /// What is to come; afterwards all is well.
        var puts: [PutRow] = []
        var validates: [ValidateRow] = []
        /// Values that may still land, oldest first.
        var stragglers: [Straggler] = []
        /// A straggler landed, and nothing was accepted since.
        var wasOverwrittenLate = false
        /// Requests of the living daemon under way.
        var underWay = 0
    }

    struct Straggler: Equatable {
        let id: Int
        let value: String?
    }

    struct Upstream {
        var access: Set<String> = []
        var refresh: String? {
            didSet { if let refresh { refreshTokensEver.insert(refresh) } }
        }
        private(set) var refreshTokensEver: Set<String> = []
        var hasList = true
        var refreshes: [RefreshRow] = []
        var tokensMade = 0
    }

    var remotes: [RemoteID: Remote] = [:]
    var upstreams: [UpstreamName: Upstream] = [:]
    /// Keys that work at the provider.
    var working: Set<String> = [foreignKey]
    static let foreignKey = "a key that nobody here knows"
    var providerIsDown = false
    private var keys: [String] = []
    private var nextStraggler = 0

    func keyWorks(_ id: RemoteID) -> Bool {
        guard !providerIsDown, let held = remotes[id]?.held else { return false }
        return working.contains(held)
    }

    /// A key fresh from the provider.
    func newKey(for config: ConfigName, works: Bool) -> String {
        let key = "key-\(config)-\(keys.count)"
        keys.append(key)
        if works { working.insert(key) }
        return key
    }

    /// The owner of the keys mends what no daemon can: those that are dead at the provider work again, and every configuration has one.
    func reviveKeys() {
        working.formUnion(keys)
        for id in remotes.keys where remotes[id]?.held == nil { remotes[id]?.held = Self.foreignKey }
    }

    /// A PUT that was taken: its value may be stored from now until `landed` or `lost`.
    func depart(_ value: String?, to id: RemoteID) -> Straggler {
        nextStraggler += 1
        let straggler = Straggler(id: nextStraggler, value: value)
        remotes[id]?.stragglers.append(straggler)
        return straggler
    }

    func lost(_ straggler: Straggler, to id: RemoteID) {
        remotes[id]?.stragglers.removeAll { $0 == straggler }
    }

    /// It is stored. `late`: after its answer.
    func landed(_ straggler: Straggler, fields: RemoteFields, in id: RemoteID, late: Bool) {
        let isOurs = remotes[id]?.stragglers.contains(straggler) == true
        lost(straggler, to: id)
        guard var remote = remotes[id], !remote.isGone else { return }
        if let value = straggler.value {
            remote.held = value
            remote.isOurs = isOurs
            remote.wasOverwrittenLate = late
        }
        remote.fields = RemoteFields(
            name: fields.name ?? remote.fields.name, endpoint: fields.endpoint ?? remote.fields.endpoint,
            aiType: fields.aiType ?? remote.fields.aiType)
        remotes[id] = remote
    }

    /// What somebody put there by hand is in the vault now.
    func adopted(_ value: String, by id: RemoteID) {
        if remotes[id]?.held == value { remotes[id]?.isOurs = true }
    }

    /// The config was purged, or the vault is another one, which knows these values alone: no other needs to be in it any more.
    func disown(_ id: RemoteID, but known: Set<String> = []) {
        guard var remote = remotes[id] else { return }
        remote.isOurs = remote.isOurs && remote.held.map(known.contains) == true
        remote.stragglers.removeAll { $0.value.map(known.contains) != true }
        remotes[id] = remote
    }

    /// From now on it does all that it is asked, as it should.
    func recover() {
        providerIsDown = false
        for id in remotes.keys {
            remotes[id]?.puts = []
            remotes[id]?.validates = []
            remotes[id]?.isGone = false
            remotes[id]?.isUnlisted = false
            remotes[id]?.usesSharedKey = false
        }
        for name in upstreams.keys {
            upstreams[name]?.refreshes = []
            upstreams[name]?.hasList = true
        }
    }
}
