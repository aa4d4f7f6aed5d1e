import KeyturnWire

/// What the doctor has found, and what it could not see.
struct Diagnosis {
    private(set) var findings: [Finding] = []
    private(set) var notes: [String] = []
    private(set) var unseen: [Unseen] = []

    /// Something that is not as it should be.
    struct Finding: Encodable, Equatable {
        /// Stable.
        let code: String
        /// What is wrong, with which thing, and what comes of it.
        let reason: String
        /// A command that mends it, or shows more.
        let nextStep: String

        enum CodingKeys: String, CodingKey {
            case code, reason
            case nextStep = "next_step"
        }
    }

    /// What this user may not look at.
    struct Unseen: Encodable, Equatable {
        let what: String
        let why: String
    }

    /// All was looked at, and nothing is wrong.
    var isWell: Bool { findings.isEmpty && unseen.isEmpty }

    func has(_ code: String) -> Bool { findings.contains { $0.code == code } }

    mutating func found(_ code: String, _ reason: String, _ nextStep: String) {
        let finding = Finding(code: code, reason: reason, nextStep: nextStep)
        if !findings.contains(finding) { findings.append(finding) }
    }

    /// Good to know, and nothing wrong.
    mutating func note(_ text: String) { notes.append(text) }

    mutating func couldNotSee(_ what: String, _ why: String) { unseen.append(Unseen(what: what, why: why)) }

    /// Takes in what another look came to, where nothing explains it already.
    mutating func add(_ other: Diagnosis, unlessFound explaining: [String]) {
        guard !explaining.contains(where: has) else { return }
        other.findings.forEach { found($0.code, $0.reason, $0.nextStep) }
        notes += other.notes
        unseen += other.unseen
    }
}

extension Diagnosis: Encodable {
    enum CodingKeys: CodingKey {
        case well, findings, notes, unseen
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isWell, forKey: .well)
        try container.encode(findings, forKey: .findings)
        try container.encode(notes, forKey: .notes)
        try container.encode(unseen, forKey: .unseen)
    }
}
