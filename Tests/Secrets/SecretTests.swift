import Glibc
import Secrets
import Testing

@Suite struct `A secret` {
    @Test func `gives back what it was filled with, as often as wanted and from many tasks`() async {
        let one = Shared(secret("s3cret"))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { (0..<200).allSatisfy { _ in bytes(one.secret) == Array("s3cret".utf8) } } }
            for await isSame in group { #expect(isSame) }
        }
    }

    @Test func `may be empty`() {
        let none = secret("")
        #expect(none.count == 0)
        #expect(bytes(none) == [])
        let isSame = same(none, secret(""))
        #expect(isSame)
    }

    @Test func `matches its clone, and nothing else`() {
        let one = secret("abc")
        let isClone = same(one, one.clone())
        #expect(isClone)
        let isOther = same(one, secret("abd"))
        #expect(!isOther)
        let isShorter = same(one, secret("ab"))
        #expect(!isShorter)
    }

    @Test func `a failed filling leaves nothing behind`() {
        struct Failed: Error {}
        #expect(throws: Failed.self) { _ = try Secret(count: 8) { _ throws(Failed) in throw Failed() } }
    }

    @Test func `derived keys differ by context and root`() {
        let root = secret([UInt8](repeating: 7, count: 32))
        let records = root.derived(context: "records_")
        #expect(records.count == 32)
        let isStable = same(records, root.derived(context: "records_"))
        #expect(isStable)
        let isOtherContext = same(records, root.derived(context: "index___"))
        #expect(!isOtherContext)
        let isOtherRoot = same(records, secret([UInt8](repeating: 8, count: 32)).derived(context: "records_"))
        #expect(!isOtherRoot)
    }

    @Test func `handed-over memory holds the same bytes and can be freed`() {
        let memory = secret("handed over").relinquish()
        #expect(Array(memory) == Array("handed over".utf8))
        GuardedMemory.free(memory.baseAddress!)
    }

    private final class Shared: Sendable {
        let secret: Secret

        init(_ secret: consuming Secret) {
            self.secret = secret
        }
    }
}

@Suite struct `Wiped memory` {
    @Test func `keeps its bytes when it grows or shrinks`() {
        var memory = WipedMemory.allocate(4)
        memory.copyMemory(from: [1, 2, 3, 4] as [UInt8], byteCount: 4)
        memory = WipedMemory.reallocate(memory, to: 4096)
        #expect((0..<4).map { memory.load(fromByteOffset: $0, as: UInt8.self) } == [1, 2, 3, 4])
        memory = WipedMemory.reallocate(memory, to: 2)
        #expect((0..<2).map { memory.load(fromByteOffset: $0, as: UInt8.self) } == [1, 2])
        WipedMemory.free(memory)
    }
}

@Suite struct `A credential` {
    @Test(arguments: [("k", nil), (nil, "s"), ("k", "s"), ("", "s"), (nil, nil), ("k", "")] as [(String?, String?)])
    func `packs and unpacks to itself`(_ key: String?, _ other: String?) throws {
        let credential = Credential(key: key.map { secret($0) }, secret: other.map { secret($0) })
        switch Credential.unpacked(credential.packed()) {
        case .some(let back):
            let isSame = same(back, credential)
            #expect(isSame)
        case .none: Issue.record("not unpacked")
        }
    }

    @Test func `parts in another field are another credential`() {
        let one = Credential(key: secret("x"), secret: nil)
        let isOtherField = same(one, Credential(key: nil, secret: secret("x")))
        #expect(!isOtherField)
        let hasMore = same(one, Credential(key: secret("x"), secret: secret("")))
        #expect(!hasMore)
        let isSame = same(one, Credential(key: secret("x"), secret: nil))
        #expect(isSame)
    }

    @Test(
        arguments: [
            [], [0], [0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0],
            [255, 255, 255, 255, 0, 0, 0, 0],
            [3, 0, 0, 0, 65, 0, 0, 0, 0],
        ] as [[UInt8]])
    func `other bytes are none`(_ packed: [UInt8]) {
        switch Credential.unpacked(secret(packed)) {
        case .some: Issue.record("unpacked")
        case .none: break
        }
    }
}

@Suite struct `A comparison in constant time` {
    @Test func `tells the same bytes from any others`() {
        #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
        #expect(ConstantTime.equal([], []))
        for other in [[1, 2, 4], [0, 2, 3], [1, 2], [1, 2, 3, 4], []] as [[UInt8]] { #expect(!ConstantTime.equal([1, 2, 3], other)) }
    }
}

@Suite struct `A guarded page` {
    /// A child may do next to nothing between fork(2) and exec(3), so that all it does is to compare two buffers.
    @Test func `is empty in a process that is forked off`() throws {
        typealias Fork = @convention(c) () -> pid_t
        // SAFETY: fork(2) has this type; Swift hides it since a child must keep to what the above says.
        let fork = unsafe unsafeBitCast(try #require(dlsym(nil, "fork")), to: Fork.self)
        let zeros = [UInt8](repeating: 0, count: 4096)
        for count in [32, 4096] {
            let secret = secret([UInt8](repeating: 0xA5, count: count))
            let statuses = secret.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { bytes in
                    // The second is the control: another copy, on the heap.
                    [bytes.baseAddress!, UnsafeRawPointer(strdup(String(repeating: "x", count: count)))].map { start in
                        let pid = fork()
                        if pid == 0 { _exit(memcmp(start, zeros, count) == 0 ? 0 : 1) }
                        var status: Int32 = -1
                        waitpid(pid, &status, 0)
                        return status
                    }
                }
            }
            #expect(statuses == [0, 1 << 8], "\(count) bytes")
        }
    }
}
