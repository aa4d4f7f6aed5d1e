/// What happens to one request: worked out in one go, then carried out by its connection.
enum Plan: Sendable {
    case reply(Answer)
    case replyLater(Answer, after: Duration)
    case replyOnRelease(Answer)
    case replySlowly(Answer)
    case replyWithoutEnd
    case reset
    case resetAndLand(Books.Request, after: Duration)
    case closeOnRelease
}

struct Answer: Sendable, Equatable {
    var status: Int
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    static func json(_ status: Int, _ fields: [String: JSONValue]) -> Answer {
        Answer(status: status, headers: ["content-type": "application/json"], body: Array(JSONValue.object(fields).text.utf8))
    }

    /// The shape of every refusal in the contract.
    static func refusal(_ status: Int, _ message: String) -> Answer {
        json(status, ["success": .bool(false), "message": .string(message)])
    }
}
