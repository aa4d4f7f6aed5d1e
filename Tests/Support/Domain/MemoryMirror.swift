import Synchronization
package import Vault

/// A mirror in memory.
package final class MemoryMirror: CounterMirror {
    private let content = Mutex<[UInt8]?>(nil)

    package init() {}

    package var bytes: [UInt8]? {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }

    package func read() throws(VaultError) -> [UInt8]? { bytes }

    package func write(_ bytes: [UInt8]) throws(VaultError) { self.bytes = bytes }
}
