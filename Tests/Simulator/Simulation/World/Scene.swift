import Access
import Model
import Operations
import Rotations

/// The installation that every run has: three configs at two upstreams.
enum Scene {
    static let upstreams = ["alpha", "beta"].map { try! UpstreamName($0) }
    static let configs = ["one", "two", "three"].map { try! ConfigName($0) }
    static let operatorAtRoot = Caller(
        CallerIdentity(uid: 0, gid: 0, groups: [], pid: 1, unit: nil), under: .ownerOnly(daemonUID: 0))

    static func remote(of config: ConfigName) -> RemoteID { try! RemoteID("remote-\(config)") }

    static func config(at remote: RemoteID) -> ConfigName {
        guard let config = configs.first(where: { Self.remote(of: $0) == remote }) else { preconditionFailure("nobody has \(remote)") }
        return config
    }

    static func upstream(of config: ConfigName) -> UpstreamName { config == configs[2] ? upstreams[1] : upstreams[0] }

    static func address(of upstream: UpstreamName) -> UpstreamAddress {
        UpstreamAddress(
            name: upstream, baseURL: try! BaseURL("https://\(upstream).test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
            workspaceID: nil)
    }

    static func settings(of config: ConfigName, every: Duration?, grace: Duration, proves: Bool) -> ConfigSettings {
        ConfigSettings(
            binding: ConfigRecord.Binding(
                upstream: upstream(of: config), remoteID: remote(of: config), aiType: .openAI, field: .key),
            every: every, grace: grace, proves: proves, description: nil)
    }
}
