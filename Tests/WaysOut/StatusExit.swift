import KeyturnWire
import Operations

@testable import SocketAPI
@testable import keyturn

extension StatusSnapshot {
    /// What `keyturn status` ends with, by the command's own rule over what the daemon answers.
    var exit: CommandExit { StatusCommand.exit(for: Status(self, version: "1", reloadRefused: nil)) }
}
