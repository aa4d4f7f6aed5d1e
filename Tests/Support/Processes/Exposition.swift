import Foundation

/// Metrics as Prometheus reads them: its text format, version 0.0.4, strictly.
package struct Exposition: Sendable {
    package struct Wrong: Error, CustomStringConvertible {
        package let description: String
    }

    package struct Sample: Sendable {
        package let name: String
        package let labels: [String: String]
        package let value: Double
    }

    /// The families, each with its type.
    package private(set) var families: [String: String] = [:]
    package private(set) var samples: [Sample] = []

    /// `reply` is a body, chunked or not.
    package init(_ reply: String) throws {
        var family = ""
        var seen: Set<String> = []
        for line in reply.replacing("\r\n", with: "\n").split(separator: "\n") where line.wholeMatch(of: #/[0-9a-f]{1,8}/#) == nil {
            if let type = line.wholeMatch(of: #/# TYPE ([a-z_]+) (counter|gauge|histogram)/#) {
                family = String(type.1)
                guard families.updateValue(String(type.2), forKey: family) == nil else {
                    throw Wrong(description: "\(family) begins twice")
                }
            } else if line.wholeMatch(of: #/# HELP [a-z_]+ .+/#) == nil {
                let sample = try Sample(line)
                guard Self.belongs(sample, to: family, families[family]) else { throw Wrong(description: "outside of its family: \(line)") }
                guard seen.insert(String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])).inserted else {
                    throw Wrong(description: "twice: \(line)")
                }
                samples.append(sample)
            }
        }
    }

    private static func belongs(_ sample: Sample, to family: String, _ type: String?) -> Bool {
        guard type == "histogram" else { return sample.name == family && (type != "counter" || family.hasSuffix("_total")) }
        return ["_bucket", "_sum", "_count"].contains { sample.name == family + $0 }
    }

    /// The one sample with this name and these labels, others aside; `nil` where there is none, or more than one.
    package func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value } }
        return found.count == 1 ? found[0].value : nil
    }
}

extension Exposition.Sample {
    fileprivate init(_ line: Substring) throws {
        guard let parts = line.wholeMatch(of: #/([a-z_]+)(\{.*\})? (-?[0-9.e+-]+)/#), let value = Double(parts.3) else {
            throw Exposition.Wrong(description: "no sample: \(line)")
        }
        name = String(parts.1)
        self.value = value
        let pairs = (parts.2 ?? "").matches(of: #/([a-z_]+)="([^"\\]*)"/#).map { (String($0.1), String($0.2)) }
        labels = Dictionary(pairs) { first, _ in first }
    }
}
