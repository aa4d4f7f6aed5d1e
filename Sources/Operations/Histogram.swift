/// How often something took how long, as Prometheus counts it: by upper bounds.
package struct Histogram: Sendable {
    /// In milliseconds, ascending.
    package let bounds: [Int]
    /// How many took no longer than each bound and longer than the one before; the last of them: longer than all.
    package private(set) var counts: [UInt64]
    package private(set) var sum = Duration.zero

    package init(bounds: [Int]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    package mutating func note(_ time: Duration) {
        counts[bounds.firstIndex { time <= .milliseconds($0) } ?? bounds.count] += 1
        sum += time
    }

    /// For one request to a backend, which is over after 15 s unless the settings say otherwise.
    package static var ofRequests: Histogram { Histogram(bounds: [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000]) }

    /// For what may also wait for its next cycle.
    package static var ofPhases: Histogram {
        Histogram(bounds: [100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000])
    }
}
