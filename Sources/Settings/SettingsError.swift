/// What is wrong with a setting: where, and what was meant. `description` reads as compilers print it, `FILE:LINE:COLUMN: …`.
package struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    package let place: Place
    package let message: String

    package enum Place: Sendable, Equatable {
        case file(path: String, line: Int, column: Int)
        case wholeFile(path: String)
        case environment(variable: String)
        case flag(String)
    }

    package init(_ place: Place, _ message: String) {
        self.place = place
        self.message = message
    }

    package var description: String {
        switch place {
        case .file(let path, let line, let column): "\(path):\(line):\(column): \(message)"
        case .wholeFile(let path): "\(path): \(message)"
        case .environment(let variable): "\(variable): \(message)"
        case .flag(let flag): "\(flag): \(message)"
        }
    }
}

/// All that is wrong, so that it can be mended in one go.
package struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
    package let errors: [SettingsError]

    package var description: String { errors.map(\.description).joined(separator: "\n") }
}
