import Model
import Operations
import Rotations

extension World {
    /// The dust settles: nothing fails any more, and the operator does what `status` says. Everything has to come to rest then.
    func settle() {
        backend.recover()
        crashes.forget()
        diskFaults.end()
        trace("the dust settles")
        run(for: PutRow.stragglerMax + .seconds(60))
        for round in 0..<Self.roundsMax where oracle.violation == nil {
            // Nothing that Keyturn does mends a key that is dead at its provider: its owner does.
            if round == 10 { backend.reviveKeys() }
            guard tidyOnce() else { break }
            run(for: .seconds(120))
        }
        oracle.checkRest()
        expire()
    }

    private static let roundsMax = 100

    /// What the operator does next for each config; false when there is nothing to do.
    private func tidyOnce() -> Bool {
        var isBusy = false
        begin(.unseal)
        run(for: .seconds(1))
        if mayBeRefused {
            begin(.acceptOlder)
            run(for: .seconds(1))
        }
        begin(.status)
        run(for: .zero)
        begin(.releaseAll)
        run(for: .zero)
        for config in Scene.configs {
            guard let record = oracle.image.configs[config] else { continue }
            if record.removedAt != nil || record.pause != nil {
                begin(record.removedAt != nil ? .undelete(config) : .resume(config))
                isBusy = true
                continue
            }
            let rotation = record.unfinished.flatMap { oracle.image.rotations[$0] }
            switch rotation?.state {
            case .stuck:
                guard let rotation else { continue }
                begin(.resolve(rotation.id, .retry, of: config))
            case .waiting where rotation?.waitsForToken == true:
                begin(newBearer(at: Scene.upstream(of: config), isRefresh: false))
            // The next cycle brings the refresh, or the backend's no.
            case .waiting where rotation?.waitsForRefresh == true: break
            case .running, .waiting: begin(.rotate(RotationRequest(.rotate), config, waits: true))
            case .succeeded, .rejected, .failed, .cancelled, nil:
                guard record.versions.contains(where: { $0.state == .staged || $0.state == .pending }) else { continue }
                begin(Self.nextRequest(record))
            }
            isBusy = true
        }
        return isBusy
    }

    /// A key with fields goes out only where the present values are known: the operator gives them first.
    private static func nextRequest(_ record: ConfigRecord) -> Call {
        let next = record.version(.pending) ?? record.version(.staged)
        guard next?.fields.endpoint != nil, record.remoteFields.endpoint == nil else {
            return .rotate(RotationRequest(.rotate), record.name, waits: true)
        }
        var request = RotationRequest(.remote)
        request.fields = RemoteFields(endpoint: "https://one.test")
        return .rotate(request, record.name, waits: true)
    }

    /// Graces and horizons pass: what may be erased is.
    private func expire() {
        for _ in 0..<2 where oracle.violation == nil {
            run(for: .seconds(2 * 86_400))
            begin(
                Call("erase what is due") { service in
                    _ = await service.eraseOnce()
                    return .done
                })
            run(for: .seconds(1))
        }
        oracle.checkAfterAll()
    }

    private func begin(_ call: Call) {
        callers.begin(call)
    }

    // MARK: Before anything happens

    /// Two upstreams with bearers, three configs.
    func setUp(seed: UInt64) {
        var chance = Chance(seed: seed)
        for upstream in Scene.upstreams {
            backend.upstreams[upstream] = Backend.Upstream()
            backend.upstreams[upstream]?.hasList = chance.happens(percent: 50)
            begin(newBearer(at: upstream, isRefresh: chance.happens(percent: 50)))
        }
        run(for: .seconds(1))
        for config in Scene.configs {
            backend.remotes[Scene.remote(of: config)] = Backend.Remote()
            let every: Duration? = chance.happens(percent: 30) ? nil : .seconds(chance.pick([86_400, 30 * 86_400]))
            begin(.set(config, every: every, grace: .seconds(chance.pick([0, 600, 86_400])), proves: !chance.happens(percent: 10)))
        }
        run(for: .seconds(1))
    }

    /// Forward by less than an Idempotency-Key is remembered, all jumps of a run together: the wall clock tells its age.
    func jumpClock(_ duration: Duration) {
        guard clockAhead + duration <= Self.clockAheadMax else { return }
        clockAhead += max(duration, .zero)
        trace("the clock jumps by \(duration)")
        jump = (time.uptime(), time.now())
        time.jump(by: duration)
    }

    /// The latest time that somebody who read the clock a moment ago may go by.
    var latestRead: Timestamp {
        guard let jump, time.uptime() - jump.uptime < .seconds(1) else { return time.now() }
        return max(time.now(), jump.from)
    }

    private static let clockAheadMax = Duration.seconds(80_000)
}

extension Rotation {
    fileprivate var waitsForRefresh: Bool {
        if case .waiting(let wait) = machine.phase, case .refresh = wait.cause { true } else { false }
    }

    fileprivate var waitsForToken: Bool {
        if case .waiting(let wait) = machine.phase { wait.cause == .token } else { false }
    }
}
