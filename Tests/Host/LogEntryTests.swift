import Logging
import Testing

@testable import Host

@Suite struct `A line of the log` {
    private let entry = LogEntry(
        level: .warning, message: "Two\nlines", fields: ["caller_uid": "0", "reason": "say \"no\"", "MESSAGE_ID": "abc"])

    @Test func `is one line with its priority, whatever is in it`() {
        #expect(entry.textLine(.priority) == #"<4>Two lines MESSAGE_ID=abc caller_uid=0 reason="say \"no\"""#)
        #expect(entry.textLine(.none) == #"Two lines MESSAGE_ID=abc caller_uid=0 reason="say \"no\"""#)
    }

    @Test func `is a JSON object`() {
        #expect(
            entry.jsonLine(at: "T")
                == #"{"MESSAGE_ID":"abc","caller_uid":"0","level":"warning","message":"Two\nlines","reason":"say \"no\"","time":"T"}"#)
    }

    @Test func `becomes fields of the journal`() {
        let fields = entry.journalFields.map { "\($0.name)=\($0.value)" }
        #expect(
            fields == [
                "MESSAGE=Two\nlines", "PRIORITY=4", "SYSLOG_IDENTIFIER=keyturnd", "MESSAGE_ID=abc", "KEYTURN_CALLER_UID=0",
                "KEYTURN_REASON=say \"no\"",
            ])
    }
}
