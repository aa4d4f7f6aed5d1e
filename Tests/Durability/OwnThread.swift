import Dispatch

/// Runs what computes and reads files for seconds on a thread of its own: the pool's few threads are there for all tests.
final class OwnThread: TaskExecutor {
    private let queue = DispatchQueue(label: "keyturn.durability")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    static func run(_ body: @Sendable () async throws -> Void) async throws {
        try await withTaskExecutorPreference(OwnThread()) { try await body() }
    }
}
