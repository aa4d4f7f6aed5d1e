/// A duration as systemd.time(7) spells it: `30d`, `12h`, `1week 2days`, `90` (seconds). Whole milliseconds, never negative.
package struct TimeSpan: Hashable, Sendable, CustomStringConvertible {
    package let duration: Duration

    /// Ten years: longer is a typing error.
    package static let longest = Duration.seconds(10 * 365 * 86_400)

    package init(_ text: String) throws(InvalidValue) {
        let rule = InvalidValue("a duration as in systemd.time(7), such as 30d, 12h or 1h 30min, and at most 10 years")
        var milliseconds: Double = 0
        var rest = Substring(text)
        var sawNumber = false
        while true {
            rest = rest.drop { $0 == " " }
            guard !rest.isEmpty else { break }
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let amount = Double(digits) else { throw rule }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            guard let factor = Self.millisecondsPerUnit[String(unit)] else { throw rule }
            rest = rest.dropFirst(unit.count)
            milliseconds += amount * factor
            sawNumber = true
        }
        guard sawNumber, milliseconds.isFinite, milliseconds <= Double(Self.longest.wholeMilliseconds) else { throw rule }
        duration = .milliseconds(Int64(milliseconds.rounded()))
    }

    package init(_ duration: Duration) {
        self.duration = duration
    }

    /// The shortest exact spelling in weeks' parts down to milliseconds, such as `30d` or `1h 30min`.
    package var description: String {
        var left = duration.wholeMilliseconds
        guard left > 0 else { return "0s" }
        var parts: [String] = []
        for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)] as [(String, Int64)]
        where left >= size {
            parts.append("\(left / size)\(name)")
            left %= size
        }
        return parts.joined(separator: " ")
    }

    /// systemd.time(7), "Parsing Time Spans"; microseconds and below are of no use here. A month is 30.44 days, a year 365.25 days.
    private static let millisecondsPerUnit: [String: Double] = {
        let names: [(Double, [String])] = [
            (1, ["ms", "msec"]),
            (1000, ["", "s", "sec", "second", "seconds"]),
            (60_000, ["m", "min", "minute", "minutes"]),
            (3_600_000, ["h", "hr", "hour", "hours"]),
            (86_400_000, ["d", "day", "days"]),
            (604_800_000, ["w", "week", "weeks"]),
            (2_630_016_000, ["M", "month", "months"]),
            (31_557_600_000, ["y", "year", "years"]),
        ]
        return Dictionary(uniqueKeysWithValues: names.flatMap { factor, spellings in spellings.map { ($0, factor) } })
    }()
}
