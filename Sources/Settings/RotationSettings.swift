package import Model

/// How long and how often a rotation tries. The defaults are design.md section 5's.
package struct RotationSettings: Sendable, Equatable {
    package var connectTimeout = TimeSpan(.seconds(5))
    /// For one request, from its first byte to the reply's last.
    package var requestTimeout = TimeSpan(.seconds(15))
    package var backoffFirst = TimeSpan(.milliseconds(250))
    package var backoffMax = TimeSpan(.seconds(15))
    /// How long one cycle of tries lasts.
    package var cycle = TimeSpan(.seconds(60))
    /// Between cycles; the last one repeats.
    package var cycleGaps = [TimeSpan(.seconds(300)), TimeSpan(.seconds(900)), TimeSpan(.seconds(3600))]
    /// After so many a human has to decide.
    package var cycles = 10
    package var proofTries = 3
    package var proofGap = TimeSpan(.milliseconds(2500))
    package var actionsPerUpstream = 8
    /// How old the backend's list may be that a rotation looks at.
    package var listMaxAge = TimeSpan(.seconds(600))
    /// How long a PUT of unknown outcome may still land.
    package var stragglerHorizon = TimeSpan(.seconds(3600))

    package init() {}
}
