/// How long and how often a rotation tries. The defaults are those of design.md section 5.
package struct RotationLimits: Sendable, Equatable {
    /// The first back-off; each further one doubles, up to `backoffMax`, and is drawn from 0 to that (full jitter).
    package var backoffFirst = Duration.milliseconds(250)
    package var backoffMax = Duration.seconds(15)
    /// How long one cycle of tries lasts.
    package var cycle = Duration.seconds(60)
    /// The gaps between cycles; the last one repeats.
    package var cycleGaps = [Duration.seconds(300), .seconds(900), .seconds(3600)]
    /// After so many cycles a human has to decide.
    package var cyclesMax = 10
    /// How often a failed or inconclusive validate is asked, and how long apart.
    package var proofTries = 3
    package var proofGap = Duration.milliseconds(2500)
    /// Outside acts under way at once, per upstream.
    package var actsPerUpstream = 8

    package init() {}
}
