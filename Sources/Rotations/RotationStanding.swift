/// What a rotation comes to as it stands.
extension RotationMachine {
    /// Which ways out of `stuck` there are.
    package var resolutions: [Resolution] {
        guard case .stuck = phase else { return [] }
        return plan.wayBack == .unknown ? [.retry, .applied] : Resolution.allCases
    }

    /// Whether it is certain that the backend never took the offered credential, and that nothing of this rotation can still land.
    package var isNothingStored: Bool { unresolved.isEmpty && offeredMayBeStored != true }

    /// The same, and neither has anything to be put back nor an operator's word to be kept: it can end without a trace.
    package var isNothingBegun: Bool { isNothingStored && verdict == nil && word == nil }

    /// Whether it can be cancelled as it stands in the journal. In any other phase nobody knows how far an earlier driver got.
    package var isCancellable: Bool {
        if case .waiting = phase { isNothingBegun } else { false }
    }

    /// With nothing in place, all is as it was.
    func failed(_ reason: Reason) -> RotationEnding {
        switch plan.kind {
        case .rotate, .rollback: .failed(reason, .stagedAgain)
        case .remote, .prove: .failed(reason, .nothingChanged)
        }
    }

    var currentAct: RotationAct? {
        switch phase {
        case .putting(let which): .put(which)
        case .validating(let which): .validate(which)
        case .lookingUp, .waiting, .stuck, .ended: nil
        }
    }
}
