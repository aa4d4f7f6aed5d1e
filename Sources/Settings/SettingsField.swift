import Model

/// A setting: its name in files, and how its text becomes a value. One table serves files, environment and flags.
struct SettingsField: Sendable {
    let name: String
    let set: Setter

    enum Setter: Sendable {
        case one(@Sendable (inout DaemonSettings, String) throws(InvalidValue) -> Void)
        case list(@Sendable (inout DaemonSettings, [String]) throws(InvalidValue) -> Void)
        /// Fields below it.
        case group([SettingsField])
    }

    static let all: [SettingsField] = [
        one("vault") { settings, text throws(InvalidValue) in settings.vault = try absolutePath(text) },
        one("socket") { settings, text throws(InvalidValue) in settings.socket = try socketPath(text) },
        one("socket_mode") { settings, text throws(InvalidValue) in settings.socketMode = try mode(text) },
        one("socket_group") { settings, text throws(InvalidValue) in
            settings.socketGroup = try filled(text, "the name or number of a group")
        },
        one("key_file") { settings, text throws(InvalidValue) in settings.keyFile = try absolutePath(text) },
        one("counter_file") { settings, text throws(InvalidValue) in settings.counterFile = try absolutePath(text) },
        one("log_level") { settings, text throws(InvalidValue) in settings.logLevel = try choice(text) },
        one("log_format") { settings, text throws(InvalidValue) in settings.logFormat = try choice(text) as DaemonSettings.LogFormat },
        one("stop_timeout") { settings, text throws(InvalidValue) in settings.stopTimeout = try TimeSpan(text) },
        SettingsField(name: "rotation", set: .group(rotation)),
    ]

    private static let rotation: [SettingsField] = [
        span("connect_timeout", \.connectTimeout),
        span("request_timeout", \.requestTimeout),
        span("backoff_first", \.backoffFirst),
        span("backoff_max", \.backoffMax),
        span("cycle", \.cycle),
        SettingsField(
            name: "cycle_gaps",
            set: .list { settings, texts throws(InvalidValue) in
                guard (1...20).contains(texts.count) else { throw InvalidValue("a list of 1 to 20 durations, such as [5min, 15min, 1h]") }
                settings.rotation.cycleGaps = try texts.map { text throws(InvalidValue) in try positive(text) }
            }),
        count("cycles", \.cycles, in: 1...1000),
        count("proof_tries", \.proofTries, in: 1...20),
        span("proof_gap", \.proofGap),
        count("actions_per_upstream", \.actionsPerUpstream, in: 1...256),
        span("list_max_age", \.listMaxAge),
        span("straggler_horizon", \.stragglerHorizon),
    ]
}

extension SettingsField {
    private static func one(
        _ name: String, _ set: @escaping @Sendable (inout DaemonSettings, String) throws(InvalidValue) -> Void
    ) -> SettingsField {
        SettingsField(name: name, set: .one(set))
    }

    private static func span(_ name: String, _ path: any WritableKeyPath<RotationSettings, TimeSpan> & Sendable) -> SettingsField {
        one(name) { settings, text throws(InvalidValue) in settings.rotation[keyPath: path] = try positive(text) }
    }

    private static func count(
        _ name: String, _ path: any WritableKeyPath<RotationSettings, Int> & Sendable, in range: ClosedRange<Int>
    ) -> SettingsField {
        one(name) { settings, text throws(InvalidValue) in
            guard let number = Int(text), range.contains(number) else {
                throw InvalidValue("a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            settings.rotation[keyPath: path] = number
        }
    }

    private static func positive(_ text: String) throws(InvalidValue) -> TimeSpan {
        let span = try TimeSpan(text)
        guard span.duration > .zero else { throw InvalidValue("longer than nothing") }
        return span
    }

    private static func filled(_ text: String, _ rule: String) throws(InvalidValue) -> String {
        guard !text.isEmpty else { throw InvalidValue(rule) }
        return text
    }

    private static func absolutePath(_ text: String) throws(InvalidValue) -> String {
        guard text.hasPrefix("/"), !text.utf8.contains(0) else { throw InvalidValue("an absolute path") }
        return text
    }

    /// A socket's address holds 107 bytes of path: unix(7).
    private static func socketPath(_ text: String) throws(InvalidValue) -> String {
        guard text.hasPrefix("/"), text.utf8.count <= 107, !text.utf8.contains(0) else {
            throw InvalidValue("an absolute path of at most 107 bytes")
        }
        return text
    }

    /// Octal, quoted or not, as chmod(1) takes it.
    private static func mode(_ text: String) throws(InvalidValue) -> UInt32 {
        let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
        guard (3...4).contains(digits.count), let mode = UInt32(digits, radix: 8), mode <= 0o777 else {
            throw InvalidValue("permissions in octal, such as 0660")
        }
        return mode
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String) throws(InvalidValue) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            throw InvalidValue("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }
}
