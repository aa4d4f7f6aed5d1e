/// Aligned columns for people.
struct Table: Sendable {
    let head: [String]
    private(set) var rows: [[Styled]] = []

    init(_ head: String...) {
        self.head = head
    }

    init(_ head: String..., rows: [[Styled]]) {
        self.head = head
        rows.forEach { add($0) }
    }

    mutating func add(_ row: [Styled]) {
        precondition(row.count == head.count, "a row of \(row.count) cells under \(head.count) columns")
        rows.append(row)
    }

    func lines(inColour: Bool) -> [String] {
        let all = [head.map { Styled($0, .strong) }] + rows
        let widths = head.indices.map { column in all.map { $0[column].text.count }.max() ?? 0 }
        return all.map { Self.line($0, widths: widths, inColour: inColour) }
    }

    private static let gap = "  "

    /// The last column is not padded: nothing follows it, and it is the one with sentences in it.
    private static func line(_ cells: [Styled], widths: [Int], inColour: Bool) -> String {
        cells.enumerated().map { column, cell in
            let padding = column == cells.count - 1 ? 0 : widths[column] - cell.text.count
            return cell.rendered(inColour: inColour) + String(repeating: " ", count: padding)
        }.joined(separator: gap)
    }
}

/// One thing's fields, a line each. Fields without a value are left out.
struct Sheet: Sendable {
    private var fields: [(name: String, value: Styled)] = []

    mutating func add(_ name: String, _ value: Styled?) {
        if let value { fields.append((name, value)) }
    }

    mutating func add(_ name: String, _ value: String?) {
        add(name, value.map { Styled($0) as Styled })
    }

    func lines(inColour: Bool) -> [String] {
        let width = fields.map(\.name.count).max() ?? 0
        return fields.map { field in
            let padding = String(repeating: " ", count: width - field.name.count)
            return "\(Styled(field.name + ":", .strong).rendered(inColour: inColour))\(padding) \(field.value.rendered(inColour: inColour))"
        }
    }
}
