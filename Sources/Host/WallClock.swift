import CLinux
package import Model

/// The time of day, as it is set now; it may jump.
package enum WallClock {
    package static var now: Timestamp {
        // SAFETY: no arguments, no state.
        Timestamp(milliseconds: kt_wall_milliseconds())
    }
}
