/// What goes wrong with a request, by order. Unless it says otherwise, authorization and the id are judged first, as always.
package enum Fault: Sendable, Equatable {
    /// Instead of doing anything. A body, if given, goes out as JSON.
    case status(Int, body: String? = nil, headers: [String: String] = [:])
    /// Does it, then answers this.
    case statusAfterEffect(Int, body: String? = nil)
    case retryAfter(seconds: Int, status: Int)
    /// 200 with `success: false`; for a PUT, `stores` tells whether it is done all the same.
    case successFalse(message: String, stores: Bool)
    /// Does it, then 200 without a body.
    case emptyBody
    /// Does it, then 200 with an object that has no `success`.
    case noSuccess
    /// 200 with a page, as a captive proxy would; nothing is done.
    case html
    /// Does it, then 200 with more than 64 KiB.
    case overlong
    /// 200 with `success: true` and another `aiLlmId`; nothing is done.
    case otherID
    /// 307; nothing is done.
    case redirect(to: String)
    case resetBeforeEffect, resetAfterEffect
    /// Breaks the connection now, and does it after a while: a straggler.
    case landLate(after: Duration)
    /// No answer until `release()`, which closes the connection.
    case hangBeforeEffect, hangAfterEffect
    /// Does it, and answers properly, but later.
    case delay(Duration)
    /// 400 with a message that quotes what was sent, plain and in base64; nothing is done.
    case echoKey
    /// Does it, then 200 with a body that never ends.
    case endlessBody
    /// Does it, then 200 with the head and the first byte of the body only, until `release()` sends the rest.
    case slowBody
    /// Does it; the proper answer waits for `release()`.
    case gate
}

/// A fault waiting for its request.
struct Order: Sendable {
    let fault: Fault
    let call: Call
    let id: String?
    var times: Int

    func matches(_ call: Call, _ id: String?) -> Bool {
        (self.call == .any || self.call == call) && (self.id == nil || self.id == id)
    }
}
