/// Where the daemon may be killed: around every durable write and every outgoing effect.
enum CrashPoint: String {
    case beforeCommit = "before a commit"
    case afterCommit = "after a commit, before anybody heard"
    case beforeMirror = "before the counter is mirrored"
    case afterMirror = "after the counter was mirrored, before anybody heard"
    case beforePut = "before a PUT"
    case putSent = "a PUT is sent, nothing of it seen"
    case putAnswered = "a PUT is answered, nobody heard"
    case beforeValidate = "before a validate"
    case validateAnswered = "a validate is answered, nobody heard"
    case beforeRefresh = "before a refresh"
    case refreshAnswered = "a refresh is answered, nobody heard"
    case lookedUp = "a list is read, nobody heard"
}

/// After how many of these points the daemon is killed, again and again.
struct CrashPlan {
    /// Points to pass before the first kill, then those before the second, ...
    private var toPass: [Int]
    /// Points passed in all, and since the last kill.
    private(set) var passed = 0
    private(set) var passedSinceLast = 0

    init(_ toPass: [Int] = []) {
        self.toPass = toPass
    }

    /// Kills at the next point after so many, unless one is planned already.
    mutating func plan(after count: Int) {
        if toPass.isEmpty { toPass = [count] }
    }

    var isSpent: Bool { toPass.isEmpty }

    mutating func forget() { toPass = [] }

    /// True when it is to die here.
    mutating func reached() -> Bool {
        passed += 1
        passedSinceLast += 1
        guard let count = toPass.first else { return false }
        guard count > 0 else {
            toPass.removeFirst()
            passedSinceLast = 0
            return true
        }
        toPass[0] = count - 1
        return false
    }
}
