import Model
import Rotations
import Secrets

struct Targets: TargetProvider {
    let honest: any TargetProvider
    let breaking: @Sendable (any RotationTarget) -> any RotationTarget

    init(honest: any TargetProvider, _ breaking: @escaping @Sendable (any RotationTarget) -> any RotationTarget) {
        self.honest = honest
        self.breaking = breaking
    }

    func target(at address: UpstreamAddress) -> any RotationTarget { breaking(honest.target(at: address)) }

    func look(at address: UpstreamAddress, bearer: borrowing Secret?) async -> UpstreamSight {
        await honest.look(at: address, bearer: bearer)
    }
}

/// Passes everything on.
protocol TargetDecorator: RotationTarget {
    var honest: any RotationTarget { get }
}

extension TargetDecorator {
    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        await honest.put(which, of: secrets, field: field, fields: fields, to: id)
    }

    func validate(_ id: RemoteID, secrets: borrowing SecretsInPlay) async -> ValidateAnswer {
        await honest.validate(id, secrets: secrets)
    }

    func lookUp(_ id: RemoteID, noOlderThan age: Duration, bearer: borrowing Secret) async -> LookUpAnswer {
        await honest.lookUp(id, noOlderThan: age, bearer: bearer)
    }

    func refresh(with token: borrowing Secret) async -> RefreshAnswer { await honest.refresh(with: token) }
}

struct TargetOfTheEarlierKey: TargetDecorator {
    let honest: any RotationTarget

    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        let isThere: Bool
        switch secrets.credentials.standing {
        case .some: isThere = true
        case .none: isThere = false
        }
        return await honest.put(which != nil && isThere ? .standing : which, of: secrets, field: field, fields: fields, to: id)
    }
}

/// Takes what came of a PUT for something else.
struct TargetThatMistakesPuts: TargetDecorator {
    let honest: any RotationTarget
    let mistake: @Sendable (PutAnswer) -> PutAnswer

    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        mistake(await honest.put(which, of: secrets, field: field, fields: fields, to: id))
    }
}
