/// An error as RFC 9457 has it.
package struct ProblemDocument: Codable, Sendable, Equatable {
    /// `urn:keyturn:problem:<code>`
    package var type: String
    package var title: String
    package var status: Int
    package var detail: String
    /// What to do.
    @Nullable package var nextStep: String?
    /// The whole rotation, where one ended badly.
    @Nullable package var rotation: Rotation?

    package init(type: String, title: String, status: Int, detail: String, nextStep: String? = nil, rotation: Rotation? = nil) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.nextStep = nextStep
        self.rotation = rotation
    }

    package enum CodingKeys: String, CodingKey {
        case type
        case title
        case status
        case detail
        case nextStep = "next_step"
        case rotation
    }
}

extension ProblemDocument {
    package static let typePrefix = "urn:keyturn:problem:"

    /// The stable code at the end of `type`.
    package var code: String {
        type.hasPrefix(Self.typePrefix) ? String(type.dropFirst(Self.typePrefix.count)) : type
    }
}
