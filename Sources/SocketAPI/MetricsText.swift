import Model
import NIOCore
import Operations

/// Prometheus' text format, version 0.0.4. Label values are names and words of closed lists, in which nothing needs an escape.
struct MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, histogram
    }

    private static let pieceBytes = 16 * 1024
    private var buffer = ByteBuffer()
    private var family = ""

    /// Time to `take` it.
    var isFull: Bool { buffer.readableBytes >= Self.pieceBytes }

    mutating func take() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }

    /// All samples of one family follow it.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        family = name
        buffer.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    mutating func sample(_ labels: (String, String)..., value: some BinaryInteger) {
        add("", labels, String(value))
    }

    mutating func sample(_ labels: (String, String)..., at time: Timestamp) {
        add("", labels, Self.seconds(milliseconds: time.milliseconds))
    }

    mutating func sample(_ labels: (String, String)..., value: Duration) {
        add("", labels, Self.seconds(value))
    }

    mutating func sample(_ labels: (String, String)..., value histogram: Histogram) {
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds.map { Self.seconds(milliseconds: Int64($0)) } + ["+Inf"], histogram.counts) {
            total += count
            add("_bucket", labels + [("le", bound)], String(total))
        }
        add("_sum", labels, Self.seconds(histogram.sum))
        add("_count", labels, String(total))
    }

    private mutating func add(_ suffix: String, _ labels: [(String, String)], _ value: String) {
        buffer.writeString(family)
        buffer.writeString(suffix)
        for (index, (name, text)) in labels.enumerated() {
            buffer.writeString(index == 0 ? "{" : ",")
            buffer.writeString(name)
            buffer.writeString("=\"")
            buffer.writeString(text)
            buffer.writeString("\"")
        }
        buffer.writeString(labels.isEmpty ? " " : "} ")
        buffer.writeString(value)
        buffer.writeString("\n")
    }

    /// `1.5` and the like, exactly.
    private static func seconds(milliseconds: Int64) -> String {
        let rest = milliseconds % 1000
        guard rest != 0 else { return String(milliseconds / 1000) }
        let sign = milliseconds < 0 && milliseconds > -1000 ? "-" : ""
        let digits = String(abs(rest))
        var fraction = String(repeating: "0", count: 3 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(sign)\(milliseconds / 1000).\(fraction)"
    }

    private static func seconds(_ time: Duration) -> String {
        String(time / .seconds(1))
    }
}
