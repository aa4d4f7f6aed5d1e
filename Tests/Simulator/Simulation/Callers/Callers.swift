import Model
import Operations
import Rotations
import Vault

/// Everybody who asks the daemon for something, and what they were told.
final class Callers: @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private unowned let world: World
    private var waiting: [Int: Waiting] = [:]
    /// Of the calls that a kill cut off: any of them may have come to something. Not the calls themselves, which may hold the world.
    private var wishesCutOff: [ConfigName: Set<Call.Wish>] = [:]
    private var nextID = 0
    private(set) var lastProblem: Problem?

    private struct Waiting {
        let call: Call
        let task: Task<Void, Never>
        /// What the audit log had told of its config when it began.
        let entriesBefore: [String: Int]
    }

    init(in world: World) {
        self.world = world
    }

    var isAnybodyWaiting: Bool { !waiting.isEmpty }
    var waitingFor: [String] { waiting.sorted { $0.key < $1.key }.map(\.value.call.what) }

    /// What operators have said that the daemon may not have heard yet.
    var wordsOnTheirWay: Set<Call.Word> { Set(waiting.values.compactMap(\.call.word)) }

    func wishes(for config: ConfigName) -> Set<Call.Wish> {
        let asked = waiting.values.map(\.call).filter { $0.config == config }.compactMap(\.wish)
        return wishesCutOff[config, default: []].union(asked)
    }

    func begin(_ call: Call) {
        nextID += 1
        let id = nextID
        world.trace("caller \(id): \(call.what)")
        if let word = call.word { world.oracle.said(word) }
        let service = world.daemon.service
        let before = call.config.flatMap { world.oracle.entriesSeen[$0] } ?? [:]
        let task = Task(executorPreference: world.scheduler) {
            do { self.hears(id, .success(try await call.perform(service))) } catch { self.hears(id, .failure(error)) }
        }
        waiting[id] = Waiting(call: call, task: task, entriesBefore: before)
    }

    private func hears(_ id: Int, _ outcome: Result<Answer, any Error>) {
        guard !world.isCrashed, let waited = waiting.removeValue(forKey: id) else { return }
        let call = waited.call
        // The vault's own trouble is answered by its name, as the socket does it.
        switch outcome.mapError({ ($0 as? VaultError)?.problem ?? $0 }) {
        case .success(let answer):
            world.trace("caller \(id) hears: \(answer.short)")
            world.oracle.answered(call, answer)
            world.oracle.granted(call, before: waited.entriesBefore)
        case .failure(let problem as Problem):
            world.trace("caller \(id) hears: \(problem.code.rawValue)")
            lastProblem = problem
            world.oracle.refused(call, problem)
        case .failure(let error):
            world.oracle.broken(.alive, "'\(call.what)' was answered by something that is no Problem: \(error)")
        }
    }

    /// The daemon died: their connections are cut.
    func cut() {
        let all = waiting.sorted { $0.key < $1.key }
        waiting = [:]
        for (_, one) in all {
            if let config = one.call.config, let wish = one.call.wish { wishesCutOff[config, default: []].insert(wish) }
            one.task.cancel()
        }
    }
}

extension Answer {
    var short: String {
        switch self {
        case .staged(let version, let key): "version \(version.number) is \(key)"
        case .rotation(let rotation): "rotation of \(rotation.version.map(String.init) ?? "fields"): \(rotation.state.rawValue)"
        case .notDue: "not due"
        case .status(let status): "\(status.attention.count) to look at"
        case .done: "done"
        }
    }
}
