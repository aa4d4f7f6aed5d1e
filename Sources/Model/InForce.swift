import Synchronization

/// What a reload replaces as a whole while it is in use: the policy, limits.
package final class InForce<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    package init(_ value: Value) {
        self.value = Mutex(value)
    }

    package var current: Value { value.withLock(\.self) }

    package func replace(with value: Value) {
        self.value.withLock { $0 = value }
    }
}
