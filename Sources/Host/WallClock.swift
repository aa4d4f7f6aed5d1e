import Glibc
package import Model

/// The time of day, as it is set now; it may jump.
package enum WallClock {
    package static var now: Timestamp {
        var time = timespec()
        // SAFETY: fills a live variable.
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
