/// What happened, in order: its hash tells whether two runs were the same (in two processes, where both have the same hash seed), its lines
/// what to look at.
package struct Trace: Sendable {
    package private(set) var hash = 0
    package private(set) var lines: [String] = []
    private let keepsLines: Bool
    private let tells: (@Sendable (String) -> Void)?

    /// `tells` hears each line at once: of a run that stops the program, the last ones too.
    init(keepsLines: Bool, tells: (@Sendable (String) -> Void)?) {
        self.keepsLines = keepsLines
        self.tells = tells
    }

    mutating func add(_ line: String) {
        var hasher = Hasher()
        hasher.combine(hash)
        hasher.combine(line)
        hash = hasher.finalize()
        if keepsLines { lines.append(line) }
        tells?(line)
    }
}
