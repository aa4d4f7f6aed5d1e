import Foundation

/// By how much the wall clock of the daemons is off: a file that they have mapped.
struct DaemonClock: Sendable {
    let path: String

    init(in folder: String) throws {
        path = "\(folder)/clock"
        try Data(count: 8).write(to: URL(filePath: path))
    }

    var seconds: Int {
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count == 8 else { return 0 }
        return Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } / 1_000_000_000)
    }

    /// False where it was so already.
    func set(_ seconds: Int) -> Bool {
        guard seconds != self.seconds else { return false }
        // It must stay the same file.
        guard let file = FileHandle(forWritingAtPath: path) else { return false }
        try? file.write(contentsOf: withUnsafeBytes(of: Int64(seconds) * 1_000_000_000) { Data($0) })
        try? file.close()
        return true
    }

    func nextFullSecond(after duration: Duration) -> Operators.PauseEnd {
        let (now, date) = (ContinuousClock.now, Date.now + Double(seconds))
        let end = (date.timeIntervalSince1970 + duration / .seconds(1)).rounded(.up)
        let text = Date(timeIntervalSince1970: end).formatted(Date.ISO8601FormatStyle())
        // What is in force is so a little less long: the two clocks are not read at once.
        let left = Duration.seconds(end - date.timeIntervalSince1970) - .milliseconds(20)
        return Operators.PauseEnd(text: text, askedAt: now, at: now + left)
    }
}
