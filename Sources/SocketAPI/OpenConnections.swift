import NIOCore
import Synchronization

/// The connections that are open, counted by user, so that none can take them all.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var perUser: [UInt32: Int] = [:]
    }

    private let state = Mutex(State())

    /// `false` when this user has `limit` of them already. It is counted in both cases, until it closes.
    func admit(_ channel: any Channel, of uid: UInt32, limit: Int) -> Bool {
        let count = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            state.perUser[uid, default: 0] += 1
            return state.perUser[uid, default: 0]
        }
        channel.closeFuture.whenComplete { _ in self.remove(channel, uid: uid) }
        return count <= limit
    }

    func closeAll() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    private func remove(_ channel: any Channel, uid: UInt32) {
        state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            let left = state.perUser[uid, default: 1] - 1
            state.perUser[uid] = left > 0 ? left : nil
        }
    }
}
