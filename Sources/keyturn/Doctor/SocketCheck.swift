import Glibc
import Settings
import Vault

/// Whether the socket's file is there, and open to whom it should be.
struct SocketCheck {
    let patient: Patient
    /// `nil` where no manager answers.
    let units: Units?

    func examine(into diagnosis: inout Diagnosis) {
        guard let socket = FileFacts(path: patient.socket) else { return missing(errno, &diagnosis) }
        guard socket.kind == .socket else {
            return diagnosis.found("no-socket", "\(patient.socket) is not a socket.", "mv \(patient.socket) \(patient.socket).old")
        }
        switch patient.kind {
        case .system: examineSystems(socket, &diagnosis)
        case .user: requireOnlyOwner(socket, &diagnosis)
        case .byHand: break
        }
        examineFolder(&diagnosis)
    }

    private func missing(_ code: Int32, _ diagnosis: inout Diagnosis) {
        guard code == ENOENT || code == ENOTDIR else {
            return diagnosis.couldNotSee("the socket \(patient.socket)", String(cString: strerror(code)))
        }
        guard !diagnosis.has("no-socket") else { return }
        let step = patient.kind == .byHand ? "pgrep -a keyturnd" : "\(patient.systemctl) restart keyturnd.socket"
        diagnosis.found("no-socket", "There is no socket \(patient.socket).", step)
    }

    /// As keyturnd.socket makes it, and so that the timers' units can connect.
    private func examineSystems(_ socket: FileFacts, _ diagnosis: inout Diagnosis) {
        guard let units else { return }
        let unit = "keyturnd.socket"
        if let mode = UInt32(units[unit, "SocketMode"], radix: 8), mode != socket.mode {
            diagnosis.found(
                "socket-mode", "\(patient.socket) has mode \(socket.shownMode), where \(unit) says \(units[unit, "SocketMode"]).",
                "systemctl restart \(unit)")
        } else if socket.mode & 0o007 != 0 {
            diagnosis.found(
                "socket-mode", "\(unit) lets everybody on this machine connect: mode \(socket.shownMode) in place of 0660.",
                "systemctl cat \(unit)")
        } else if socket.mode & 0o060 != 0o060 {
            diagnosis.found(
                "socket-mode", "\(unit) lets no group connect: mode \(socket.shownMode) in place of 0660. The timers can't.",
                "systemctl cat \(unit)")
        }
        let said = units[unit, "SocketGroup"]
        if let gid = Accounts.gid(nameOrNumber: said.isEmpty ? "root" : said), gid != socket.gid {
            diagnosis.found(
                "socket-group", "\(patient.socket) has the group \(socket.gid), where \(unit) says \(said.isEmpty ? "root" : said).",
                "systemctl restart \(unit)")
        } else {
            let timers = units["keyturn-rotate.service", "SupplementaryGroups"].split(separator: " ").map(String.init)
            guard !timers.isEmpty, !timers.contains(where: { Accounts.gid(nameOrNumber: $0) == socket.gid }) else { return }
            diagnosis.found(
                "socket-group",
                "\(unit) gives the socket the group \(said.isEmpty ? "root" : said), and keyturn-rotate.service is in \(timers.joined(separator: ", ")): the timers can't connect.",
                "systemctl cat \(unit) keyturn-rotate.service")
        }
    }

    private func requireOnlyOwner(_ socket: FileFacts, _ diagnosis: inout Diagnosis) {
        guard socket.mode & 0o077 != 0 else { return }
        diagnosis.found(
            "socket-mode", "\(patient.socket) has mode \(socket.shownMode): it is for its user alone.",
            "systemctl --user restart keyturnd.socket")
    }

    /// Whoever can write there can put another socket in its place.
    private func examineFolder(_ diagnosis: inout Diagnosis) {
        let path = patient.socket.lastIndex(of: "/").map { String(patient.socket[..<$0]) } ?? "."
        guard let folder = FileFacts(path: path.isEmpty ? "/" : path), folder.kind == .folder else { return }
        let isSticky = folder.mode & 0o1000 != 0
        if folder.mode & 0o022 != 0, !isSticky || patient.kind != .byHand {
            diagnosis.found(
                "socket-folder", "Others can write to \(path) (mode \(folder.shownMode)), and so replace the socket.", "chmod go-w \(path)")
        } else if patient.kind != .byHand, let owner = patient.owner, ![0, owner].contains(folder.uid) {
            diagnosis.found(
                "socket-folder", "\(path) belongs to uid \(folder.uid), who can replace the socket.", "chown \(owner) \(path)")
        }
    }
}
