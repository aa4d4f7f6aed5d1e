internal import Model

/// The `Retry-After` header (RFC 9110, 10.2.3): seconds or a date.
enum RetryAfter {
    /// A backend does not get to silence a rotation for longer.
    static let longest = Duration.seconds(86_400)

    static func duration(_ header: String, now: Timestamp) -> Duration? {
        let text = header.filter { $0 != " " && $0 != "\t" }
        guard !text.isEmpty, header.utf8.count <= 64 else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return Int64(text).map { min(.seconds($0), longest) } ?? longest
        }
        guard let date = HTTPDate.timestamp(header) else { return nil }
        return min(max(date - now, .zero), longest)
    }
}

/// The one date format that servers are to send (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func timestamp(_ text: String) -> Timestamp? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == ":" })
        guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])),
            let day = Int(parts[1]), let year = Int(parts[3]), let hour = Int(parts[4]), let minute = Int(parts[5]),
            let second = Int(parts[6]),
            (1...31).contains(day), (1970...9999).contains(year), (0...23).contains(hour), (0...59).contains(minute),
            (0...60).contains(second)
        else { return nil }
        return Timestamp(milliseconds: Int64(((days(year, month + 1, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000)
    }

    /// Days since 1970-01-01 in the Gregorian calendar, with the year beginning in March so that the leap day comes last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}
