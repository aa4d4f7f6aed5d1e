/// A daemon with one promise broken on purpose, by a decorator over one of its ports: the oracle has to see it.
package enum BrokenVariant: String, CaseIterable, Sendable {
    case none

    func breakPorts(_ ports: inout Ports, _ world: World) {}
}
