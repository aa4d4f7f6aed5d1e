import Access
import Model
import Rotations
import Testing
import Vault
import Yams

@Suite struct `The words in openapi.yaml` {
    @Test(arguments: [
        ("AIType", AIType.allCases.map(\.rawValue)),
        ("ConfigState", ConfigState.allCases.map(\.rawValue)),
        ("CredentialField", CredentialField.allCases.map(\.rawValue)),
        ("Right", Right.allCases.map(\.rawValue)),
        ("SlotKind", SlotEntry.Kind.allCases.map(\.rawValue)),
    ]) func `are the daemon's`(_ schema: String, _ words: [String]) throws {
        #expect(try APIDocument().schema(schema).enumeration == words)
    }

    @Test func `for resolving are the daemon's`() throws {
        let how = try APIDocument().schema("Resolve").property("how")
        #expect(how["enum"].texts == Resolution.allCases.map(\.rawValue))
    }

    @Test func `that the daemon does not list are known to it`() throws {
        let document = try APIDocument()
        let unknown = [
            try document.schema("VersionState").enumeration.filter { VersionState(rawValue: $0) == nil },
            try document.schema("RotationState").enumeration.filter { RotationState(rawValue: $0) == nil },
            try document.schema("Proof").enumeration.filter { Proof(rawValue: $0) == nil },
        ]
        #expect(unknown.joined().isEmpty)
    }
}
