/// A command as `--experimental-dump-help` tells it: the part of ArgumentParserToolInfo, version 0, that a page needs.
struct DumpedHelp: Decodable {
    let serializationVersion: Int
    let command: CommandHelp
}

struct CommandHelp: Decodable {
    let commandName: String
    let abstract: String?
    let discussion: String?
    let arguments: [ArgumentHelp]?
    let subcommands: [CommandHelp]?
    let shouldDisplay: Bool
}

struct ArgumentHelp: Decodable {
    let kind: Kind
    let names: [Name]?
    let valueName: String?
    let abstract: String?
    let discussion: String?
    let defaultValue: String?
    let isOptional: Bool
    let isRepeating: Bool
    let shouldDisplay: Bool

    enum Kind: String, Decodable {
        case positional, option, flag
    }

    struct Name: Decodable, Hashable {
        let kind: Kind
        let name: String

        enum Kind: String, Decodable {
            case long, short, longWithSingleDash
        }
    }
}
