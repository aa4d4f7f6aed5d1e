import Glibc
package import Logging
import Model
import Synchronization

/// Where the daemon's log goes: the journal with fields, when standard error leads there anyway, else lines on standard error.
package struct DaemonLog: Sendable {
    package enum Format: String, Sendable, CaseIterable {
        /// For people; where standard error leads to the journal, with `<N>` priority prefixes, as sd-daemon(3) reads them.
        case text
        /// One JSON object a line.
        case json
    }

    enum Destination: Sendable {
        case journal
        case standardError(Format, LogEntry.Prefix)
    }

    let destination: Destination
    private let levelNow: LevelNow
    private let messageIDs: [String: String]

    /// `format`: what was asked for; `nil` chooses the journal's fields where there is a journal. `messageIDs`: what the journal's entries get
    /// for a `MESSAGE_ID`, by their field `event`.
    package init(level: Logger.Level, format: Format?, messageIDs: [String: String] = [:]) {
        levelNow = LevelNow(level)
        self.messageIDs = messageIDs
        switch (format, Journal.isStandardError) {
        case (nil, true): destination = .journal
        case (let format, let isJournal): destination = .standardError(format ?? .text, isJournal ? .priority : .none)
        }
    }

    package func makeLogger(label: String) -> Logger {
        Logger(label: label) { _ in DaemonLogHandler(destination: destination, level: levelNow, messageIDs: messageIDs) }
    }

    /// From which level on it is written; all loggers follow.
    package var level: Logger.Level {
        get { levelNow.level }
        nonmutating set { levelNow.level = newValue }
    }
}

/// Writes each entry at once and whole, so that nothing is lost when the process ends.
struct DaemonLogHandler: LogHandler {
    let destination: DaemonLog.Destination
    let level: LevelNow
    let messageIDs: [String: String]
    var metadata: Logger.Metadata = [:]

    /// One level for the whole daemon: a logger has none of its own.
    var logLevel: Logger.Level {
        get { level.level }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let entry = LogEntry(
            level: event.level, message: event.message.description,
            fields: metadata.merging(event.metadata ?? [:]) { _, own in own }.mapValues(\.description))
        switch destination {
        case .journal: Journal.send(entry.journalFields(messageIDs))
        case .standardError(.text, let prefix): StandardError.write(entry.textLine(prefix))
        case .standardError(.json, _): StandardError.write(entry.jsonLine(at: WallClock.now.description))
        }
    }
}

/// Can be changed while loggers are in use.
final class LevelNow: Sendable {
    private let value: Mutex<Logger.Level>

    init(_ level: Logger.Level) {
        value = Mutex(level)
    }

    var level: Logger.Level {
        get { value.withLock(\.self) }
        set { value.withLock { $0 = newValue } }
    }
}

enum StandardError {
    /// One write, so that lines of several threads don't mix.
    static func write(_ line: String) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the buffer is valid for the length of the call.
            let written = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if written > 0 { rest = rest.dropFirst(written) } else if errno != EINTR { return }
        }
    }
}
