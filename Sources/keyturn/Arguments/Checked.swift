import FoundationEssentials
import Model

/// Arguments parsed before anything is sent. What is wrong with them is said without repeating them: a key pasted into the wrong place
/// must not come back.
enum Checked {
    static func config(_ text: String) throws(Failure) -> String {
        try value("NAME") { () throws(InvalidValue) in try ConfigName(text).description }
    }

    static func upstream(_ text: String, as argument: String = "NAME") throws(Failure) -> String {
        try value(argument) { () throws(InvalidValue) in try UpstreamName(text).description }
    }

    static func remoteID(_ text: String) throws(Failure) -> String {
        try value("--id") { () throws(InvalidValue) in try RemoteID(text).description }
    }

    static func rotation(_ text: String) throws(Failure) -> String {
        try value("ROTATION") { () throws(InvalidValue) in try RotationID(text.uppercased()).description }
    }

    static func aiType(_ text: String) throws(Failure) -> String {
        try value("--ai-type") { () throws(InvalidValue) in try AIType(text.uppercased()).rawValue }
    }

    static func field(_ text: String) throws(Failure) -> String {
        try value("--field") { () throws(InvalidValue) in try CredentialField(text).rawValue }
    }

    static func state(_ text: String) throws(Failure) -> String {
        try value("--state") { () throws(InvalidValue) in try ConfigState(text).rawValue }
    }

    static func seconds(_ text: String, of option: String) throws(Failure) -> Int64 {
        try value(option) { () throws(InvalidValue) in try TimeSpan(text).duration.wholeSeconds }
    }

    /// A point in time, or a duration from now.
    static func time(_ text: String, of option: String, now: Timestamp) throws(Failure) -> Timestamp {
        if let span = try? TimeSpan(text) { return now + span.duration }
        return try value(option) { () throws(InvalidValue) in
            do throws(InvalidValue) { return try Timestamp(text) } catch {
                throw InvalidValue("\(error.rule), or a duration from now such as 2h")
            }
        }
    }

    /// A point in time, or a duration back from now.
    static func pastTime(_ text: String, of option: String, now: Timestamp) throws(Failure) -> Timestamp {
        if let span = try? TimeSpan(text) { return now - span.duration }
        return try value(option) { () throws(InvalidValue) in
            do throws(InvalidValue) { return try Timestamp(text) } catch {
                throw InvalidValue("\(error.rule), or a duration back from now such as 2d")
            }
        }
    }

    static func version(_ text: String) throws(Failure) -> Int {
        guard let number = Int(text), number > 0 else { throw .usage("VERSION must be a number as 'keyturn versions' shows it.") }
        return number
    }

    static func limit(_ number: Int) throws(Failure) -> Int {
        guard number > 0 else { throw .usage("--limit must be a number above 0.") }
        return number
    }

    /// Colons and capitals, as other tools print fingerprints, are taken too.
    static func pin(_ text: String) throws(Failure) -> String {
        let digits = text.lowercased().filter { $0 != ":" }
        guard digits.utf8.count == 64,
            digits.utf8.allSatisfy({ ("0"..."9").contains(Unicode.Scalar($0)) || ("a"..."f").contains(Unicode.Scalar($0)) })
        else { throw .usage("--pin must be the SHA-256 of the certificate's public key: 64 hexadecimal digits.") }
        return digits
    }

    static func baseURL(_ text: String, allowsPlainHTTP: Bool) throws(Failure) -> String {
        try value("--base-url") { () throws(InvalidValue) in
            try BaseURL(text, plainHTTP: allowsPlainHTTP ? .allowed : .refused).description
        }
    }

    /// A folder or file that other programs will look for too, from wherever they are started.
    static func absolute(_ path: String, of option: String) throws(Failure) -> String {
        guard !path.isEmpty else { throw .usage("\(option) must not be empty.") }
        let whole = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        return whole.count > 1 && whole.hasSuffix("/") ? String(whole.dropLast()) : whole
    }

    private static func value<Value>(_ argument: String, _ parse: () throws(InvalidValue) -> Value) throws(Failure) -> Value {
        do { return try parse() } catch { throw .usage("\(argument) must be \(error.rule).") }
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(Date()) }
}
