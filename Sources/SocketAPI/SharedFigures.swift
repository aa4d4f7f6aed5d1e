import Operations

/// Reads the vault's figures once for all who ask at about the same time: with ten thousand configs a reading takes a good part of a second, and
/// nobody should be able to keep the vault's thread busy by asking.
actor SharedFigures {
    private let service: VaultService
    private var reading: Task<VaultFigures, any Error>?

    /// From the end of one reading to the beginning of the next; the figures are kept no longer than that either.
    private static let age = Duration.seconds(1)

    init(_ service: VaultService) {
        self.service = service
    }

    func read() async throws -> VaultFigures {
        if let reading { return try await reading.value }
        let begun = Task { [service] in try await service.figures() }
        reading = begun
        Task {
            _ = await begun.result
            try? await Task.sleep(for: Self.age)
            reading = nil
        }
        return try await begun.value
    }
}
