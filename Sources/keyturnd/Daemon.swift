import Foundation
import Glibc
import Host
import Logging
import Model
import Operations
import Outbound
import Rotations
import SQLiteEngine
import SocketAPI
import Vault

/// The daemon's life: find out how, listen, unseal, serve, stop.
enum Daemon {
    static func run(_ arguments: Keyturnd) async -> Int32 {
        let logger = Logger(label: "keyturnd") { StreamLogHandler.standardError(label: $0) }
        let vault = arguments.vault ?? "/var/lib/keyturn"
        let socketPath = arguments.socket ?? "/run/keyturn/keyturn.sock"
        let place = VaultPlace(folder: VaultFolder(path: vault), keyFile: arguments.keyFile, credentialsDirectory: ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"])
        signal(SIGPIPE, SIG_IGN)
        let assembly = Assembly.make(place, rotation: RotationLimits(), operations: OperationLimits(), outbound: Outbound.Limits(), logger: logger)
        let server = SocketServer(logger: logger, now: SystemClock().now, unitOf: { _ in nil }, routes: assembly.routes.add)
        do {
            try await server.start(on: [ListeningSocket(path: socketPath, mode: 0o660, group: nil)])
        } catch {
            logger.critical("\(error)")
            return 78
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await assembly.runner.run() }
            group.addTask { await assembly.service.eraseWhatIsDue() }
            group.addTask { await server.run() }
            do { try await assembly.service.open(by: nil) } catch { logger.error("sealed: \(error)") }
            let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
            signal(SIGTERM, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: SIGTERM)
            source.setEventHandler { continuation.yield() }
            source.resume()
            for await _ in signals { break }
            assembly.events.close()
            async let halted: Void = assembly.runner.halt()
            await server.stop(within: .seconds(10))
            await halted
            group.cancelAll()
        }
        return 0
    }
}
