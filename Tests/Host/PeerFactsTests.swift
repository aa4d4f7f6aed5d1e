import Glibc
import Host
import Testing

@Suite struct `Asking the kernel who connected` {
    @Test func `tells user, groups and a pinned process`() throws {
        let (near, far) = try socketPair()
        defer {
            close(near)
            close(far)
        }
        let peer = try PeerFacts(ofSocket: near)
        #expect(peer.uid == geteuid() && peer.gid == getegid() && peer.pid == getpid())
        #expect(Set(peer.groups) == Set(ownGroups()))
        #expect(peer.process != nil, "needs Linux 6.5")
    }

    @Test func `fails on what is no Unix socket`() {
        #expect(throws: SystemError.self) { try PeerFacts(ofSocket: -1) }
    }

    /// Run as a service, with its name in the environment: systemd-run --unit=app -E KEYTURN_TEST_UNIT=app.service …
    @Test(.enabled(if: getenv("KEYTURN_TEST_UNIT") != nil))
    func `PID 1 names the unit`() async throws {
        let (near, far) = try socketPair()
        defer {
            close(near)
            close(far)
        }
        let peer = try PeerFacts(ofSocket: near)
        let unpinned = PeerFacts(uid: peer.uid, gid: peer.gid, groups: [], pid: peer.pid, process: nil)
        let stranger = PeerFacts(uid: peer.uid + 1, gid: peer.gid, groups: [], pid: peer.pid, process: nil)
        let name = getenv("KEYTURN_TEST_UNIT").map { String(cString: $0) }
        let units = SystemUnits()
        #expect(await units.unit(of: peer) == name)
        #expect(await units.unit(of: unpinned) == name)
        #expect(await units.unit(of: stranger) == nil)
    }

    @Test func `PID 1's silence grants nothing`() async throws {
        let nobody = PeerFacts(uid: 0, gid: 0, groups: [], pid: 0, process: nil)
        #expect(await SystemUnits().unit(of: nobody) == nil)
    }

    @Test(arguments: [
        ("app.service", true), ("keyturn-rotate@openai.service", true), ("user@1000.service", false), ("session-4.scope", false),
        ("app.socket", false), (".service", false), ("user.slice", false),
    ]) func `only system services are identity`(_ name: String, _ isTrusted: Bool) {
        #expect(SystemUnits.isTrusted(name) == isTrusted)
    }

    private func socketPair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        // SAFETY: the array has room for both ends.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw SystemError("make a pair of sockets") }
        return (ends[0], ends[1])
    }

    private func ownGroups() -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: 65_536)
        // SAFETY: the array has as much room as is said.
        let count = getgroups(Int32(groups.count), &groups)
        return Array(groups.prefix(Int(max(0, count))))
    }
}
