/// Where an upstream is and how its certificate is trusted. Pinned by a rotation when it begins.
package struct UpstreamAddress: Hashable, Sendable, Codable {
    package let name: UpstreamName
    package let baseURL: BaseURL
    /// PEM certificates that replace the system's trust; `nil` for the system's.
    package let caPEM: String?
    /// SHA-256 of the server certificate's public key (SPKI), lower-case hex, 64 digits. Checked as well as the chain's trust;
    /// without `caPEM`, instead of it.
    package let pinSHA256: String?
    /// Sent as `workspaceId` where the backend's list wants one.
    package let workspaceID: String?

    package init(name: UpstreamName, baseURL: BaseURL, caPEM: String?, pinSHA256: String?, workspaceID: String?) {
        self.name = name
        self.baseURL = baseURL
        self.caPEM = caPEM
        self.pinSHA256 = pinSHA256
        self.workspaceID = workspaceID
    }
}
