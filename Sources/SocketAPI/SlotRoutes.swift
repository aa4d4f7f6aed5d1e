import FoundationEssentials
import Hummingbird
import KeyturnWire
import Model
import Operations
import Rotations
import Secrets
import Vault

extension Routes {
    /// The ways into the vault, and its root key.
    func addSlots(to router: Router<APIContext>) {
        router.get("/v1/slots") { _, context in
            Response.json(Page(items: try await service.slots(as: context.caller).map(KeyturnWire.Slot.init), next: nil))
        }
        router.post("/v1/slots") { request, context in
            let wanted = try await request.read(AddSlot.self, context)
            let entry = try SlotEntry(wanted, id: service.newSlotID(), at: clock.now())
            let slot = try await service.addSlot(entry, as: context.caller)
            return Response.json(KeyturnWire.Slot(slot), status: .created)
        }
        router.delete("/v1/slots/{id}") { _, context in
            let warnings = try await service.removeSlot(context.parameters.get("id") ?? "", as: context.caller)
            return Response.json(SlotRemoval(warnings: warnings))
        }
        router.post("/v1/rekey") { request, context in
            _ = try await request.read(NoFields.self, context)
            return Response.json(IntakeKey(try await service.rekey(as: context.caller)))
        }
    }
}

extension SlotEntry {
    fileprivate init(_ wanted: AddSlot, id: String, at time: Timestamp) throws(Problem) {
        guard let kind = Kind(rawValue: wanted.kind) else {
            throw .badField("kind", InvalidValue("one of " + Kind.allCases.map(\.rawValue).joined(separator: ", ")))
        }
        guard let key = Self.bytes(wanted.publicKey).flatMap({ BoxPublicKey(bytes: $0) }) else {
            throw .badField("public_key", InvalidValue("32 bytes in standard base64"))
        }
        let salt = try Self.bytes(wanted.salt, PassphraseHash.saltBytes, in: "salt", isNeeded: kind == .passphrase)
        let attestation = try Self.bytes(wanted.attestation, 32, in: "attestation", isNeeded: kind != .recipient)
        if let name = wanted.name {
            guard !name.isEmpty, name.count <= 100, !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                throw .badField("name", InvalidValue("a line of 1 to 100 characters"))
            }
        }
        self.init(id: id, kind: kind, name: wanted.name, at: time, publicKey: key, salt: salt, attestation: attestation)
    }

    private static func bytes(_ text: String?, _ count: Int, in field: String, isNeeded: Bool) throws(Problem) -> [UInt8]? {
        guard isNeeded else {
            guard text == nil else { throw .badField(field, InvalidValue("left out for this kind")) }
            return nil
        }
        guard let bytes = bytes(text), bytes.count == count else {
            throw .badField(field, InvalidValue("\(count) bytes in standard base64"))
        }
        return bytes
    }

    private static func bytes(_ base64: String?) -> [UInt8]? {
        base64.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
    }
}

extension KeyturnWire.Slot {
    fileprivate init(_ slot: Vault.Slot) {
        let entry = slot.entry
        self.init(
            id: entry.id, kind: entry.kind.rawValue, name: entry.name, createdAt: "\(entry.createdAt)",
            publicKey: entry.publicKey.base64EncodedString(), salt: entry.salt?.base64EncodedString(),
            attestation: entry.attestation?.base64EncodedString(), vaultKey: slot.vaultKey.base64EncodedString(),
            wrapped: slot.wrapped.base64EncodedString())
    }
}

extension IntakeKey {
    init(_ offered: OfferedKey) {
        self.init(keyID: offered.key.id, key: Data(offered.key.bytes).base64EncodedString(), purposes: offered.purposes)
    }
}
