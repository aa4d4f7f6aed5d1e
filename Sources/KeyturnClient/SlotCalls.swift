package import KeyturnWire

/// Calls about the ways into the vault.
extension Daemon {
    /// Also while it is sealed. What comes back decides where a root key goes, so it must come from the right process.
    package func slots() async throws(ClientError) -> Reply<Page<Slot>> {
        var request = Request.get("v1", "slots")
        request.peer = .trusted
        return try await send(request, as: Page<Slot>.self)
    }

    package func addSlot(_ slot: AddSlot) async throws(ClientError) -> Reply<Slot> {
        try await send(.post("v1", "slots", body: slot), as: Slot.self)
    }

    /// Replaces the root key, too: the more there is in the vault, the longer it takes.
    package func removeSlot(_ id: String) async throws(ClientError) -> Reply<SlotRemoval> {
        var request = Request.delete("v1", "slots", id)
        request.patience = .endless
        return try await send(request, as: SlotRemoval.self)
    }

    /// Answers with the new intake key.
    package func rekey() async throws(ClientError) -> Reply<IntakeKey> {
        var request = Request.post("v1", "rekey", body: NoFields())
        request.patience = .endless
        return try await send(request, as: IntakeKey.self)
    }
}
