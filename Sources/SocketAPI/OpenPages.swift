import Host
import HTTPTypes
package import Hummingbird
import KeyturnWire
import Model
package import NIOCore
package import Operations
package import Rotations

/// How much room the vault takes, and how much is left.
package struct DiskUse: Sendable, Equatable {
    package let vaultBytes: Int64
    package let freeBytes: Int64

    package init(vaultBytes: Int64, freeBytes: Int64) {
        self.vaultBytes = vaultBytes
        self.freeBytes = freeBytes
    }
}

/// Health and metrics: what there is to see of the daemon without being known to it. They are all that the metrics' socket serves; the API has
/// them too, the metrics for callers with the right `status`.
package struct OpenPages: Sendable {
    private let service: VaultService
    private let figures: SharedFigures
    private let tally: Tally
    private let requests: RequestTally
    private let clock: any RotationClock
    private let version: String
    private let disk: @Sendable () -> DiskUse?
    /// Why the last reload of the settings and the policy changed nothing; `nil` when it did.
    let reloadRefused: @Sendable () -> String?

    /// Whoever waits longer takes the daemon for dead anyway.
    private static let patience = Duration.seconds(5)
    /// For the text of ten thousand configs over a busy loopback; a reader who stops in the middle is let go then.
    private static let readingTimeMax = TimeAmount.seconds(30)

    /// `disk` may block for as long as a look at a file system takes.
    package init(
        service: VaultService, tally: Tally, requests: RequestTally, clock: any RotationClock, version: String,
        disk: @escaping @Sendable () -> DiskUse?, reloadRefused: @escaping @Sendable () -> String?
    ) {
        self.service = service
        figures = SharedFigures(service)
        self.tally = tally
        self.requests = requests
        self.clock = clock
        self.version = version
        self.disk = disk
        self.reloadRefused = reloadRefused
    }

    /// What the metrics' socket answers; `nil` where there is nothing at this path.
    package func answer(_ request: Request, on channel: any Channel) async throws -> Response? {
        let isKnown = ["/metrics", "/healthz", "/readyz"].contains(request.uri.path)
        guard !isKnown || request.method == .get || request.method == .head else {
            throw ProblemReply.methodNotAllowed(allowed: [.get, .head])
        }
        switch request.uri.path {
        case "/metrics": return try await metrics(on: channel)
        case "/healthz": return await health(on: channel.eventLoop)
        case "/readyz": return await readiness()
        default: return nil
        }
    }

    /// Alive: the event loop, which is at it, and the vault's thread answer.
    func health(on loop: any EventLoop) async -> Response {
        let isAlive = await SignsOfLife(loop: loop, service).missing(within: Self.patience).isEmpty
        return Response.json(Health(status: isAlive ? "ok" : "hangs"), status: isAlive ? .ok : .serviceUnavailable)
    }

    /// Ready: unsealed, and what was unfinished is taken up.
    func readiness() async -> Response {
        let status =
            switch await service.readiness {
            case .ready: "ok"
            case .takingUp: "starting"
            case .sealed: "sealed"
            }
        return Response.json(Health(status: status), status: status == "ok" ? .ok : .serviceUnavailable)
    }

    func metrics(on channel: any Channel) async throws -> Response {
        let page = MetricsPage(
            version: version, figures: try await figures.read(), counts: tally.counts, requests: requests.counts, process: .now,
            disk: disk(), isReloadRefused: reloadRefused() != nil, now: clock.now())
        return Response(
            status: .ok, headers: [.contentType: MetricsText.contentType, .cacheControl: "no-store"],
            body: ResponseBody { writer in
                let limit = channel.eventLoop.scheduleTask(in: Self.readingTimeMax) { channel.close(promise: nil) }
                defer { limit.cancel() }
                try await page.write(to: &writer)
                try await writer.finish(nil)
            })
    }
}
