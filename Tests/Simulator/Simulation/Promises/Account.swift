import Model
import Operations
import Rotations

/// How a config is as far as somebody outside knows: by what operators asked for and were granted, what the backend answered, and which ends
/// the audit log names. What the config's own record makes of it is not looked at.
struct Account {
    /// Some things only the daemon can know, as what it would have heard when it was killed.
    enum Certainty: Comparable {
        case no, perhaps, yes
    }

    var isRemoved = false
    var pause: Pause?
    var everySeconds: Int64?
    var due: Timestamp?
    var underWay: UnderWay?
    /// A rotation to another key came to nothing, and none is begun by itself since.
    private(set) var isHeld = Certainty.no
    /// The last change of the fields or check came to nothing.
    private(set) var isUnwell = Certainty.no
    /// The key in place was tried, and does not work.
    private(set) var isBroken = Certainty.no

    struct Pause: Equatable {
        let until: Timestamp?
    }

    struct UnderWay {
        let id: RotationID
        let kind: RotationPlan.Kind
        var state = RotationState.running
        var word: Resolution?
        var isOnItsWayBack = false
        /// What the backend said of the key since the last PUT.
        var verdict = Verdict.none
        /// Whether the last PUT has to be repeated.
        var isUnanswered = Certainty.perhaps

        enum Verdict {
            case none, works, fails, unauthorized, other
            /// The daemon may never have heard it, or have lost its token since.
            case unknown
        }
    }

    func isPaused(at time: Timestamp) -> Bool {
        guard let pause else { return false }
        return pause.until.map { time < $0 } ?? true
    }

    // MARK: What the audit log tells

    mutating func staged() { isHeld = .no }

    mutating func adopted() { (isHeld, isBroken) = (.no, .no) }

    mutating func resolved(_ word: Resolution) {
        underWay?.state = .running
        underWay?.word = word
        underWay?.isOnItsWayBack = word == .notApplied
    }

    mutating func ended(_ ending: RotationState, at time: Timestamp) {
        guard let rotation = underWay else { return }
        underWay = nil
        guard ending != .cancelled else { return }
        switch rotation.kind {
        case .rotate, .rollback: moved(rotation, ending, at: time)
        case .remote: changed(rotation, ending)
        case .prove: checked(rotation, ending)
        }
    }

    private mutating func moved(_ rotation: UnderWay, _ ending: RotationState, at time: Timestamp) {
        isUnwell = .no
        isHeld = ending == .succeeded ? .no : .yes
        switch ending {
        case .succeeded:
            isBroken = .no
            due = everySeconds.map { time + .seconds($0) }
        case .rejected: if rotation.isOnItsWayBack { isBroken = .no }
        case .failed where rotation.verdict == .fails: isBroken = .yes
        // Another key is in place by the operator's word, or its configuration is gone.
        case .failed where rotation.word == .applied: isBroken = min(isBroken, .perhaps)
        case .failed, .cancelled, .running, .waiting, .stuck: break
        }
    }

    private mutating func changed(_ rotation: UnderWay, _ ending: RotationState) {
        isUnwell = ending == .succeeded ? .no : .yes
        switch ending {
        // The key that did not work may do so with other fields.
        case .succeeded: isBroken = min(isBroken, .perhaps)
        case .failed where rotation.verdict == .fails: isBroken = .yes
        case .failed, .rejected, .cancelled, .running, .waiting, .stuck: break
        }
    }

    private mutating func checked(_ rotation: UnderWay, _ ending: RotationState) {
        guard ending != .succeeded else { return (isUnwell, isBroken) = (.no, .no) }
        switch rotation.verdict {
        case .fails: (isUnwell, isBroken) = (.yes, .yes)
        case .unknown: (isUnwell, isBroken) = (max(isUnwell, .perhaps), max(isBroken, .perhaps))
        // Whether there was another token to try it with is the daemon's to know.
        case .unauthorized, .none: isUnwell = max(isUnwell, .perhaps)
        case .works, .other: break
        }
    }
}

extension Account {
    /// Of a vault that nobody looked on while it came to be.
    init(_ record: ConfigRecord, _ rotation: Rotation?) {
        isRemoved = record.removedAt != nil
        pause = record.pause.map { Pause(until: $0.until) }
        (everySeconds, due) = (record.everySeconds, record.dueAt)
        isHeld = record.hold == nil ? .no : .yes
        isUnwell = record.failure == nil ? .no : .yes
        isBroken = record.version(.current)?.proof == .failed ? .yes : .no
        guard let rotation else { return }
        underWay = UnderWay(id: rotation.id, kind: rotation.machine.plan.kind, state: rotation.state, verdict: .unknown)
        underWay?.isOnItsWayBack = rotation.machine.verdict != nil
    }
}
