import Foundation
import Glibc
import Host
import Testing

/// The environment belongs to the whole process, so one test at a time.
@Suite(.serialized) struct `Telling systemd` {
    @Test func `says it in sd_notify's words`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let listener = try boundDatagram(folder + "/n")
        defer { close(listener) }
        setenv("NOTIFY_SOCKET", folder + "/n", 1)
        setenv("WATCHDOG_USEC", "20000000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }

        let manager = ServiceManager()
        #expect(manager.watchdogInterval == .seconds(20))
        manager.tell(.ready(status: "Serving\nFOO=1"))
        #expect(received(listener) == "READY=1\nSTATUS=Serving FOO=1")
        manager.tell(.alive)
        #expect(received(listener) == "WATCHDOG=1")
        manager.tell(.stopping)
        #expect(received(listener) == "STOPPING=1")
        manager.tell(.extend(.seconds(2)))
        #expect(received(listener) == "EXTEND_TIMEOUT_USEC=2000000")
    }

    @Test func `works without systemd`() throws {
        let manager = ServiceManager()
        #expect(manager.watchdogInterval == nil)
        manager.tell(.ready(status: "Serving"))
        #expect(try ListeningSocket.inherited().isEmpty)
        #expect(CredentialsFolder.path(of: "keyturn.key") == nil)
    }

    @Test func `a credential is found in its folder`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        setenv("CREDENTIALS_DIRECTORY", folder, 1)
        defer { unsetenv("CREDENTIALS_DIRECTORY") }
        #expect(CredentialsFolder.path(of: "keyturn.key") == nil)
        try Data().write(to: URL(filePath: folder + "/keyturn.key"))
        #expect(CredentialsFolder.path(of: "keyturn.key") == folder + "/keyturn.key")
    }

    private func boundDatagram(_ path: String) throws -> Int32 {
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        // SAFETY: the address lives through the call.
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard result == 0 else { throw SystemError("bind '\(path)'") }
        return listener
    }

    private func received(_ listener: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the array has as much room as is said.
        let count = recv(listener, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

@Suite struct `Signals to the daemon` {
    @Test func `come as what they mean`() async throws {
        var signals = try DaemonSignal.stream().makeAsyncIterator()
        kill(getpid(), SIGHUP)
        #expect(await signals.next() == .reload)
    }
}

@Suite struct `The machine` {
    @Test func `has a user 0 and a clock that goes on`() {
        #expect(Machine.userName(0) == "root")
        let before = Machine.uptime
        #expect(Machine.uptime >= before && before > .zero)
    }
}
