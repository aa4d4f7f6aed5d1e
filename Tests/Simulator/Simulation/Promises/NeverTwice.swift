import Model
import Operations
import Rotations

/// Promise 3, and that what a request needs is durable before its first byte.
extension Oracle {
    /// A PUT leaves the daemon.
    func sending(_ value: String?, as which: CredentialsInPlay.Which?, to id: RemoteID) {
        let config = Scene.config(at: id)
        requireAlone(id)
        actedOn(config)
        noteSent(to: config)
        requireMayPut(value, as: which, for: config)
        guard let record = image.configs[config], let unfinished = record.unfinished, let rotation = image.rotations[unfinished] else {
            return broken(.durable, "a PUT for '\(config)' without a rotation of it")
        }
        requireNotPaused(record, rotation, which)
        let phase = rotation.machine.phase
        switch which {
        case .offered:
            guard let number = rotation.version, let version = record.versions.first(where: { $0.number == number }) else {
                return broken(.durable, "a PUT of a version that '\(config)' has not")
            }
            guard phase == .putting(.offered), version.state == .pending, image.key(number, of: config) == value else {
                return broken(
                    .durable,
                    "a PUT of \(value ?? "nothing") while version \(number) of '\(config)' is \(version.state.rawValue) in \(phase)")
            }
            inOrder(number, of: config, in: rotation)
        case .standing:
            let standing = rotation.standingVersion.flatMap { number in record.versions.first { $0.number == number } }
            guard phase == .putting(.standing), standing?.state == .current, image.key(standing?.number, of: config) == value else {
                return broken(.neverTwice, "\(value ?? "nothing") goes back to '\(config)' while its rotation is in \(phase)")
            }
        case nil:
            guard rotation.machine.plan.kind == .remote else {
                return broken(.neverTwice, "fields are put in a rotation of kind \(rotation.machine.plan.kind.rawValue)")
            }
        }
    }

    /// A validate leaves the daemon.
    func asking(_ id: RemoteID) {
        requireAlone(id)
        actedOn(Scene.config(at: id))
        requireMayAsk(Scene.config(at: id))
    }

    private func requireAlone(_ id: RemoteID) {
        guard world.backend.remotes[id]?.underWay != 0 else { return }
        broken(.neverTwice, "two requests for \(id) at once")
    }

    /// New keys are put in the order of their staging, each by one rotation unless that one gave it back.
    private func inOrder(_ number: VersionNumber, of config: ConfigName, in rotation: Rotation) {
        var books = books[config] ?? Books()
        defer { self.books[config] = books }
        if number < books.newestSent, rotation.rollbackOf == nil {
            broken(.neverTwice, "version \(number) of '\(config)' is put after version \(books.newestSent)")
        }
        if let earlier = books.sentBy[number], earlier != rotation.id, let other = image.rotations[earlier], !other.gaveItBack {
            broken(.neverTwice, "version \(number) of '\(config)' is put by a second rotation")
        }
        // What a rollback brings back counts as new only in its number.
        if rotation.rollbackOf == nil { books.newestSent = max(books.newestSent, number) }
        books.sentBy[number] = rotation.id
    }

    /// The same Idempotency-Key gets the same rotation back, for 24 hours by whichever clock.
    func requireSameRotation(_ call: Call, _ rotation: Rotation) {
        guard let key = call.idempotencyKey, let config = call.config else { return }
        let name = "\(config) \(key)"
        let (now, uptime) = (world.time.now(), world.time.uptime())
        if let earlier = remembered[name], now - earlier.at < Self.rememberedFor, uptime - earlier.uptime < Self.rememberedFor {
            guard earlier.rotation != rotation.id else { return }
            broken(.neverTwice, "Idempotency-Key \(key) of '\(config)' got another rotation the second time")
        }
        remembered[name] = Remembered(rotation: rotation.id, at: now, uptime: uptime)
    }

    private static let rememberedFor = Duration.seconds(86_400)
}

extension Rotation {
    /// Its version went back to be staged.
    fileprivate var gaveItBack: Bool {
        switch machine.phase {
        case .ended(.failed(_, .stagedAgain)), .ended(.failed(_, .nothingChanged)), .ended(.failed(_, .withoutToken)), .ended(.cancelled):
            true
        case .putting, .validating, .lookingUp, .waiting, .stuck, .ended(.succeeded), .ended(.rejected), .ended(.failed(_, .stays)),
            .ended(.failed(_, .assumed)):
            false
        }
    }
}
