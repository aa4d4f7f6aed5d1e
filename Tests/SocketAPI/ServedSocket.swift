import Access
import Foundation
import Glibc
import Host
import Hummingbird
import Logging
import Model
import NIOPosix
import SocketAPI
import Testing

/// A server on a socket of its own, for the length of a test.
struct ServedSocket {
    let path: String
    /// Of 127.0.0.1, where metrics and health are served, if anything is.
    let openPort: UInt16
    let server: SocketServer

    static func with(
        limits: ServerLimits = ServerLimits(), unitOf: @escaping UnitLookup = { _ in nil }, open: OpenAnswers? = nil,
        routes: (Router<APIContext>) -> Void = { _ in },
        _ body: @Sendable @escaping (ServedSocket) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let path = folder + "/s"
            let server = SocketServer(
                limits: limits, policy: PolicyInForce(.ownerOnly(daemonUID: 0)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                group: .singletonMultiThreadedEventLoopGroup,
                now: { Timestamp(milliseconds: 784_111_777_000) }, unitOf: unitOf, open: open ?? { _, _ in nil }, routes: routes)
            let loopback = open == nil ? nil : try LoopbackListener()
            try await server.start(
                on: [ListeningSocket(path: path, mode: 0o600, group: nil)]
                    + [loopback].compactMap { $0.map { ListeningSocket(inherited: $0.descriptor, for: .metrics) } })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.run() }
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(ServedSocket(path: path, openPort: loopback?.port ?? 0, server: server))) } catch {
                    outcome = .failure(error)
                }
                await server.stop(within: .seconds(5))
                try await group.waitForAll()
                try outcome.get()
            }
        }
    }

    static func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.path)
    }

    func ask(_ request: String) async throws -> String {
        let path = path
        return try await offPool { try RawCaller.ask(path, request) }
    }

    func get(_ target: String) async throws -> String {
        try await ask("GET \(target) HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
    }
}

/// Runs blocking work on a thread that nothing else waits for.
func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}
