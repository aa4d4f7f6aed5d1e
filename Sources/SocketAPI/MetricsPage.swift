import Access
import Host
import Hummingbird
import Model
import NIOCore
import Operations

/// All metrics of one moment. The names are the contract of docs/monitoring.md.
struct MetricsPage: Sendable {
    let version: String
    let figures: VaultFigures
    let counts: Tally.Counts
    let requests: [RequestTally.Kind: UInt64]
    let process: ProcessUse?
    let disk: DiskUse?
    let isReloadRefused: Bool
    let now: Timestamp

    /// Piece by piece, so that the text of ten thousand configs is never in memory as a whole.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        var text = MetricsText()
        addDaemon(&text)
        addRequests(&text)
        addUpstreams(&text)
        for family in Self.families {
            text.begin(family.name, family.kind, family.help)
            for config in figures.configs {
                family.add(config, self, &text)
                if text.isFull { try await writer.write(text.take()) }
            }
        }
        try await writer.write(text.take())
    }

    private func addDaemon(_ text: inout MetricsText) {
        text.begin("keyturn_build_info", .gauge, "The version that runs; always 1.")
        text.sample(("version", version), value: 1)
        text.begin("keyturn_sealed", .gauge, "Whether the vault is sealed.")
        text.sample(value: figures.isSealed ? 1 : 0)
        text.begin(
            "keyturn_reload_refused", .gauge, "Whether the last reload was refused, and the settings and policy before it are in force.")
        text.sample(value: isReloadRefused ? 1 : 0)
        text.begin("keyturn_audit_entries_total", .counter, "Entries of the audit log that were made durable.")
        text.sample(value: counts.auditEntries)
        text.begin(
            "keyturn_audit_failures_total", .counter, "Changes that were refused, since they and their entries could not be made durable.")
        text.sample(value: counts.auditFailures)
        text.begin("keyturn_vault_size_bytes", .gauge, "What the vault's database takes on its disk.")
        if let disk { text.sample(value: disk.vaultBytes) }
        text.begin("keyturn_vault_free_bytes", .gauge, "What is free on the disk that holds the vault.")
        if let disk { text.sample(value: disk.freeBytes) }
        text.begin("keyturn_last_backup_timestamp_seconds", .gauge, "When the last backup was made.")
        if let time = figures.lastBackupAt { text.sample(at: time) }
        text.begin("keyturn_rotation_duration_seconds", .histogram, "How long rotations took for their phases, waiting included.")
        for phase in Tally.Phase.allCases { text.sample(("phase", phase.rawValue), value: counts.phases[phase] ?? .ofPhases) }
        if let process { add(process, &text) }
    }

    private func addRequests(_ text: inout MetricsText) {
        text.begin("keyturn_http_requests_total", .counter, "Answered requests of the API and of the metrics' socket.")
        for (kind, count) in requests.sorted(by: { ($0.key.route ?? "", $0.key.code) < ($1.key.route ?? "", $1.key.code) }) {
            // `/v1/configs/:name` is `/v1/configs/{name}` in the documents.
            let route = (kind.route ?? "none").replacing(#/:([a-z]+)/#) { "{\($0.1)}" }
            text.sample(("route", route), ("code", String(kind.code)), value: count)
        }
        text.begin("keyturn_denied_requests_total", .counter, "How often a right was asked for in vain.")
        for right in Right.allCases { text.sample(("right", right.rawValue), value: counts.denials[right] ?? 0) }
    }

    private func addUpstreams(_ text: inout MetricsText) {
        text.begin("keyturn_upstream_requests_total", .counter, "Requests to backends.")
        for upstream in figures.upstreams {
            let kinds = (counts.upstreams[upstream.name]?.counts ?? [:]).sorted {
                ($0.key.method, $0.key.outcome) < ($1.key.method, $1.key.outcome)
            }
            for (kind, count) in kinds {
                text.sample(
                    ("upstream", "\(upstream.name)"), ("method", kind.method), ("outcome", kind.outcome), value: count)
            }
        }
        text.begin("keyturn_upstream_request_duration_seconds", .histogram, "How long backends took to answer.")
        for upstream in figures.upstreams {
            text.sample(("upstream", "\(upstream.name)"), value: counts.upstreams[upstream.name]?.times ?? .ofRequests)
        }
        text.begin(
            "keyturn_upstream_token_expiry_timestamp_seconds", .gauge,
            "When an upstream needs another token, where that is known; a refused one, since when.")
        for upstream in figures.upstreams {
            if let time = upstream.tokenExpiresAt { text.sample(("upstream", "\(upstream.name)"), at: time) }
        }
    }

    /// By the names that Prometheus' own clients use.
    private func add(_ process: ProcessUse, _ text: inout MetricsText) {
        text.begin("process_cpu_seconds_total", .counter, "User and system time.")
        text.sample(value: process.processorTime)
        text.begin("process_resident_memory_bytes", .gauge, "Resident memory.")
        text.sample(value: process.residentBytes)
        text.begin("process_virtual_memory_bytes", .gauge, "Virtual memory.")
        text.sample(value: process.virtualBytes)
        text.begin("process_open_fds", .gauge, "Open file descriptors.")
        text.sample(value: process.openFiles)
        text.begin("process_max_fds", .gauge, "The most that may be open.")
        text.sample(value: process.openFilesMax)
        text.begin("process_start_time_seconds", .gauge, "When the daemon started.")
        text.sample(at: now - process.age)
    }
}

extension MetricsPage {
    /// A family with samples for each config.
    private struct Family: Sendable {
        let name: String
        let kind: MetricsText.Kind
        let help: String
        let add: @Sendable (VaultFigures.Config, MetricsPage, inout MetricsText) -> Void
    }

    private static let families = [
        Family(name: "keyturn_config_info", kind: .gauge, help: "What a config is bound to, and where its keys come from; always 1.") {
            config, _, text in
            text.sample(
                ("config", "\(config.name)"), ("upstream", "\(config.upstream)"), ("ai_type", config.aiType.rawValue),
                ("source", "staging"), value: 1)
        },
        Family(name: "keyturn_config_state", kind: .gauge, help: "1 for the state that a config is in.") { config, _, text in
            for state in ConfigState.allCases {
                text.sample(("config", "\(config.name)"), ("state", state.rawValue), value: config.state == state ? 1 : 0)
            }
        },
        Family(
            name: "keyturn_config_last_rotation_timestamp_seconds", kind: .gauge, help: "When a rotation last gave a config a new key."
        ) { config, _, text in
            if let time = config.lastSuccessAt { text.sample(("config", "\(config.name)"), at: time) }
        },
        Family(name: "keyturn_config_next_due_timestamp_seconds", kind: .gauge, help: "When a config wants rotating.") { config, _, text in
            if let time = config.dueAt { text.sample(("config", "\(config.name)"), at: time) }
        },
        Family(
            name: "keyturn_config_current_version_created_timestamp_seconds", kind: .gauge,
            help: "When the current key was staged or adopted."
        ) { config, _, text in
            if let time = config.currentCreatedAt { text.sample(("config", "\(config.name)"), at: time) }
        },
        Family(name: "keyturn_config_staged_versions", kind: .gauge, help: "Keys that wait to be rotated to.") { config, _, text in
            text.sample(("config", "\(config.name)"), value: config.staged)
        },
        Family(name: "keyturn_rotations_total", kind: .counter, help: "Rotations, checks and changes that ended.") { config, page, text in
            let ends = page.counts.rotations[config.name] ?? Tally.Ends()
            let name = "\(config.name)"
            text.sample(("config", name), ("result", "succeeded"), value: ends.succeeded)
            text.sample(("config", name), ("result", "rejected"), value: ends.rejected)
            text.sample(("config", name), ("result", "failed"), value: ends.failed)
            text.sample(("config", name), ("result", "cancelled"), value: ends.cancelled)
        },
    ]
}
