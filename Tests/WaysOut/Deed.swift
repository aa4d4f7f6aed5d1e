import Access
import ArgumentParser
import Model
import Operations
import Rotations
import TestSupport
import Testing

@testable import keyturn

/// What an operator can do, and what comes of it in a word: the state of the rotation, or the code of the problem.
enum Deed: String, CaseIterable, Sendable {
    case rotate
    case ifDue = "rotate --if-due"
    case compromised = "rotate --compromised"
    case dryRun = "rotate --dry-run"
    case rollback
    case prove
    case cancel
    case remove = "config remove"

    func done(in here: Position) async throws -> String {
        let waiting: VaultService.Waiting = try await here.config.state == .running ? .not : .untilSettled
        do {
            return try await perform(here, waiting)
        } catch let problem as Problem {
            return "`\(problem.code.rawValue)`"
        }
    }

    private func perform(_ here: Position, _ waiting: VaultService.Waiting) async throws -> String {
        let service = here.keyturn.service
        switch self {
        case .rotate, .ifDue, .compromised, .rollback, .prove:
            return try await start(here, waiting)
        case .dryRun:
            return switch try await service.dryRun(ServiceHarness.config, RotationRequest(.rotate), as: ServiceHarness.root) {
            case .notDue: "not due"
            case .joins: "would join"
            case .begins: "would begin"
            }
        case .cancel: return try await here.keyturn.cancel(here.rotation()).state.rawValue
        case .remove:
            try await service.removeConfig(ServiceHarness.config, .recoverable, as: ServiceHarness.root)
            return "removed"
        }
    }

    private func start(_ here: Position, _ waiting: VaultService.Waiting) async throws -> String {
        var request = RotationRequest(self == .rollback ? .rollback : self == .prove ? .prove : .rotate)
        request.isCompromised = self == .compromised
        request.condition = self == .ifDue ? .ifDue : .now
        let before = try await here.config.record.unfinished
        switch try await here.keyturn.service.rotate(ServiceHarness.config, request, waiting, as: ServiceHarness.root) {
        case .notDue: return "not due"
        case .interrupted(_, let problem): throw problem
        case .rotation(let rotation): return rotation.id == before ? "joins it: \(rotation.state.rawValue)" : rotation.state.rawValue
        }
    }
}

/// A next step as the command line reads it, done to the service behind.
struct PastedStep {
    let text: String

    struct NotACommand: Error { let text: String }

    /// Throws what the command would fail with.
    func run(in here: Position) async throws {
        let words = text.split(separator: " ").map(String.init)
        guard words.first == "keyturn" else { throw NotACommand(text: text) }
        let service = here.keyturn.service
        let (config, root) = (ServiceHarness.config, ServiceHarness.root)
        switch try Keyturn.parseAsRoot(ArgumentOrder(root: Keyturn.self).globalsLast(Array(words.dropFirst()))) {
        case let rotate as RotateCommand: try await start(.rotate, rotate.name, here)
        case let rollback as RollbackCommand: try await start(.rollback, rollback.name, here)
        case let prove as ProveCommand: try await start(.prove, prove.name, here)
        case let remote as RemoteCommand:
            let fields = RemoteFields(name: remote.name, endpoint: remote.endpoint, aiType: try remote.aiType.map(AIType.init))
            try await start(.remote, remote.config, here, fields)
        case let resume as ResumeCommand: try await service.resumeConfig(ConfigName(resume.name), as: root)
        case let stage as StageCommand: try await here.keyturn.stage(here.freshKey(), for: ConfigName(stage.name))
        case let upstream as UpstreamSetCommand where upstream.tokenStdin && upstream.name == "\(ServiceHarness.upstream)":
            try await here.setToken()
        case let resolve as ResolveCommand:
            let how = try #require(Resolution(rawValue: resolve.how.rawValue))
            _ = try await here.keyturn.resolve(RotationID(resolve.rotation), how)
        case let history as HistoryCommand:
            if let id = history.rotation { _ = try await service.rotation(RotationID(id), as: root) }
        case let versions as VersionsCommand: _ = try await service.config(ConfigName(versions.name), as: root)
        case let show as ConfigShowCommand: _ = try await service.config(ConfigName(show.name), as: root)
        case is ConfigListCommand: _ = try await service.configs(after: nil, limit: 1, filter: .all, as: root)
        default: throw NotACommand(text: text)
        }
        if let unfinished = try await service.config(config, as: root).record.unfinished {
            _ = await here.keyturn.runner.settled(unfinished)
        }
    }

    private func start(
        _ kind: RotationPlan.Kind, _ name: String?, _ here: Position, _ fields: RemoteFields = RemoteFields()
    ) async throws {
        var request = RotationRequest(kind)
        request.fields = fields
        _ = try await here.keyturn.service.rotate(ConfigName(name ?? ""), request, .untilSettled, as: ServiceHarness.root)
    }
}
