import Vault

/// All kinds of records that operations keep, by tag, as errors name them.
package enum RecordNames {
    package static let all: [UInt8: String] = [
        RecordKind.config.tag: RecordKind.config.name, RecordKind.endedVersion.tag: RecordKind.endedVersion.name,
        RecordKind.upstream.tag: RecordKind.upstream.name, RecordKind.accessToken.tag: RecordKind.accessToken.name,
        RecordKind.refreshToken.tag: RecordKind.refreshToken.name, RecordKind.credential.tag: RecordKind.credential.name,
        RecordKind.binding.tag: RecordKind.binding.name, RecordKind.rotation.tag: RecordKind.rotation.name,
        RecordKind.unfinished.tag: RecordKind.unfinished.name, RecordKind.history.tag: RecordKind.history.name,
        RecordKind.erasure.tag: RecordKind.erasure.name, RecordKind.idempotency.tag: RecordKind.idempotency.name,
        RecordKind.usedBox.tag: RecordKind.usedBox.name, RecordKind.backup.tag: RecordKind.backup.name,
        RecordKind.erasureByConfig.tag: RecordKind.erasureByConfig.name, RecordKind.numbering.tag: RecordKind.numbering.name,
    ]
}
