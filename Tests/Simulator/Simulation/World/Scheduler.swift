import Glibc

/// Runs every job of the simulated daemon on the one thread that calls `runOne`, in an order that the seed decides.
///
/// Child tasks inherit it as their executor preference, default actors run on it because their callers do, and the vault's actor has
/// `lane`. Whatever would escape to another thread stops the program: then a seed would not replay.
final class Scheduler: TaskExecutor, @unchecked Sendable {
    // SAFETY: used from `owner` alone, which `enqueue` checks.
    private var jobs: [UnownedJob] = []
    private var chance: Chance
    private let owner = pthread_self()
    private(set) var jobsRun = 0
    let lane: VaultLane

    init(seed: UInt64) {
        chance = Chance(seed: seed)
        lane = VaultLane()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        precondition(pthread_equal(owner, pthread_self()) != 0, "a job escaped from the simulation's thread")
        jobs.append(UnownedJob(job))
    }

    /// False when nothing is left to run at this instant.
    func runOne() -> Bool {
        let count = jobs.count + (lane.isEmpty ? 0 : 1)
        guard count > 0 else { return false }
        let index = count == 1 ? 0 : chance.below(count)
        jobsRun += 1
        if index < jobs.count {
            jobs.remove(at: index).runSynchronously(on: asUnownedTaskExecutor())
        } else {
            lane.runFirst()
        }
        return true
    }

    /// The vault's thread: first come, first served, as the real one is.
    final class VaultLane: SerialExecutor, TaskExecutor, @unchecked Sendable {
        // SAFETY: used from the scheduler's thread alone, which `enqueue` checks.
        private var jobs: [UnownedJob] = []
        private let owner = pthread_self()

        var isEmpty: Bool { jobs.isEmpty }

        func enqueue(_ job: consuming ExecutorJob) {
            precondition(pthread_equal(owner, pthread_self()) != 0, "a job escaped from the simulation's thread")
            jobs.append(UnownedJob(job))
        }

        func runFirst() {
            jobs.removeFirst().runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }
}
