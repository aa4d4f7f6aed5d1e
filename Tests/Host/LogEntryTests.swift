import Logging
import Testing

@testable import Host

@Suite struct `A line of the log` {
    private let entry = LogEntry(
        level: .warning, message: "Two\nlines", fields: ["caller_uid": "0", "reason": "say \"no\"", "event": "key.lost"])

    @Test func `is one line with its priority, whatever is in it`() {
        #expect(entry.textLine(.priority) == #"<4>Two lines caller_uid=0 event=key.lost reason="say \"no\"""#)
        #expect(entry.textLine(.none) == #"Two lines caller_uid=0 event=key.lost reason="say \"no\"""#)
    }

    @Test func `is a JSON object`() {
        #expect(
            entry.jsonLine(at: "T")
                == #"{"caller_uid":"0","event":"key.lost","level":"warning","message":"Two\nlines","reason":"say \"no\"","time":"T"}"#)
    }

    @Test func `becomes fields of the journal`() {
        let fields = entry.journalFields(["key.lost": "abc", "key.found": "def"]).map { "\($0.name)=\($0.value)" }
        #expect(
            fields == [
                "MESSAGE=Two\nlines", "PRIORITY=4", "SYSLOG_IDENTIFIER=keyturnd", "MESSAGE_ID=abc", "KEYTURN_CALLER_UID=0",
                "KEYTURN_EVENT=key.lost", "KEYTURN_REASON=say \"no\"",
            ])
    }
}
