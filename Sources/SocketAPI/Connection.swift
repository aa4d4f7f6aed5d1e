import Access
package import Host
import NIOCore
import Synchronization

/// Which system unit a process belongs to; `nil` when there is no certain answer.
package typealias UnitLookup = @Sendable (PeerFacts) async -> String?

/// One caller's connection: who it is, and whether it is still there.
final class Connection: Sendable {
    let uid: UInt32
    let channel: any Channel
    let shares: CallerShares
    /// Opens when the caller went, or the connection was closed by us.
    let gone = Latch()

    private enum Identity {
        /// The facts hold the pidfd.
        case unasked(PeerFacts)
        case known(CallerIdentity)
    }

    private let identity: Mutex<Identity>
    private let unitOf: UnitLookup

    init(peer: PeerFacts, channel: any Channel, unitOf: @escaping UnitLookup, shares: CallerShares) {
        uid = peer.uid
        self.channel = channel
        self.unitOf = unitOf
        self.shares = shares
        identity = Mutex(.unasked(peer))
        channel.closeFuture.whenComplete { _ in self.closed() }
    }

    /// PID 1 is asked once, at the first request: HTTP/1.1 has one request of a connection under way at a time.
    func caller() async -> CallerIdentity {
        let peer: PeerFacts
        switch identity.withLock({ $0 }) {
        case .known(let caller): return caller
        case .unasked(let facts): peer = facts
        }
        let caller = CallerIdentity(peer, unit: await unitOf(peer))
        identity.withLock { $0 = .known(caller) }
        return caller
    }

    /// Lets go of the pidfd, unless PID 1 is being asked with it: then that call is its last owner.
    private func closed() {
        identity.withLock { identity in
            if case .unasked(let peer) = identity { identity = .known(CallerIdentity(peer, unit: nil)) }
        }
        gone.open()
    }
}

extension CallerIdentity {
    fileprivate init(_ peer: PeerFacts, unit: String?) {
        self.init(uid: peer.uid, gid: peer.gid, groups: peer.groups, pid: peer.pid, unit: unit)
    }
}
