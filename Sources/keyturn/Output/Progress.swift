import KeyturnWire

/// A line that says that something is still under way; on a terminal only.
enum Progress {
    /// Runs `work` and keeps the line up to date until it is done.
    static func during<Result: Sendable>(
        _ what: String, on console: Console, _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        guard console.errors.isTerminal, !console.isQuiet, !console.isJSON else { return try await work() }
        let ticking = Task { await tick(what, on: console) }
        defer { console.errors.write(clear) }
        do {
            let result = try await work()
            await end(ticking)
            return result
        } catch {
            await end(ticking)
            throw error
        }
    }

    private static let clear = "\r\u{1B}[K"

    private static func end(_ ticking: Task<Void, Never>) async {
        ticking.cancel()
        await ticking.value
    }

    private static func tick(_ what: String, on console: Console) async {
        let start = ContinuousClock.now
        while true {
            let seconds = (ContinuousClock.now - start).components.seconds
            let tail = seconds < 3 ? "" : "  \(seconds) s; it goes on in the daemon if you stop waiting"
            console.errors.write("\(clear)\(SafeText.line(what))…\(tail)")
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }
}
