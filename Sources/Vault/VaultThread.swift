import Dispatch

/// The thread that the vault's work runs on: engines block on the disk, which must hold up nobody else.
package final class VaultThread: SerialExecutor, TaskExecutor {
    private let queue = DispatchQueue(label: "keyturn.vault")

    package init() {}

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor()) }
    }
}
