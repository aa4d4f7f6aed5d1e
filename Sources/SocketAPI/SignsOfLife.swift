package import NIOCore
package import Operations
import Synchronization

/// Whether what every request needs still answers: the event loop that serves it, and the thread that the vault's work runs on.
package struct SignsOfLife: Sendable {
    private let loop: any EventLoop
    private let service: VaultService

    package enum Part: String, Sendable, CaseIterable {
        case eventLoop = "the event loop"
        case vault = "the vault's thread"
    }

    package init(loop: any EventLoop, _ service: VaultService) {
        self.loop = loop
        self.service = service
    }

    /// The parts that did not answer within `time`; empty when all is well, and then it returns as soon as they have.
    package func missing(within time: Duration) async -> [Part] {
        let roll = RollCall()
        loop.execute { roll.answered(.eventLoop) }
        // What hangs can't be cancelled, and must not be waited for: it is left behind.
        Task { [service] in
            await service.answers()
            roll.answered(.vault)
        }
        return await roll.missing(within: time)
    }
}

/// Who has answered so far.
private final class RollCall: Sendable {
    private let open = Mutex(Set(SignsOfLife.Part.allCases))
    private let isComplete = Latch()

    func answered(_ part: SignsOfLife.Part) {
        let isLast = open.withLock { open in
            open.remove(part)
            return open.isEmpty
        }
        if isLast { isComplete.open() }
    }

    func missing(within time: Duration) async -> [SignsOfLife.Part] {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.isComplete.wait() }
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
        }
        return open.withLock { open in SignsOfLife.Part.allCases.filter(open.contains) }
    }
}
