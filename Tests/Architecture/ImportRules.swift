/// Who may import whom: the picture in design.md section 3, arrow by arrow. SwiftPM does not enforce it.
enum ImportRules {
    /// Own modules by arrow. An arrow grants what is below it too.
    private static let arrows: [String: Set<String>] = [
        "Model": [],
        "Secrets": ["CSodium"],
        "Vault": ["Model", "Secrets"],
        "SQLiteEngine": ["Vault"],
        "Rotations": ["Model", "Secrets"],
        "Access": ["Model"],
        "Operations": ["Access", "Rotations", "Vault"],
        "Outbound": ["Model", "Secrets"],
        "Flashback": ["Rotations", "Outbound"],
        "Host": ["Model", "CSystemd", "CLinux"],
        "KeyturnWire": [],
        "SocketAPI": ["Operations", "KeyturnWire", "Host", "COpenAPI"],
        "Settings": ["Access", "Model"],
        "KeyturnClient": ["KeyturnWire"],
        "FlashbackStandIn": [],
        "keyturnd": ["SocketAPI", "SQLiteEngine", "Flashback", "Host", "Settings", "CPriority", "CWipe"],
        "manual-page": [],
        "deb": [],
        "keyturn": ["KeyturnClient", "Secrets", "Vault", "SQLiteEngine", "FlashbackStandIn", "Settings", "CPriority", "CWipe"],
    ]

    /// Packages of others, which no arrow passes on: a wrapped library has one importer, or a few that are named here.
    private static let packages: [String: Set<String>] = [
        "SQLiteEngine": ["GRDB"],
        "Outbound": ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOTLS"],
        // The handler of the log; the design's table has it by now.
        "Host": ["Logging"],
        "SocketAPI": [
            "HTTPTypes", "Hummingbird", "HummingbirdCore", "Logging", "NIOCore", "NIOExtras", "NIOHTTP1", "NIOHTTPTypes",
            "NIOHTTPTypesHTTP1", "NIOPosix",
        ],
        "Settings": ["Yams"],
        "KeyturnClient": ["NIOCore", "NIOHTTP1", "NIOPosix"],
        "FlashbackStandIn": ["Crypto", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "SwiftASN1", "X509"],
        "keyturnd": ["ArgumentParser", "Logging", "NIOPosix"],
        "keyturn": ["ArgumentParser"],
        "deb": ["PackagePlugin"],
    ]

    /// Only these know that secrets have C behind them, or the system's manager: an arrow does not pass it on.
    private static let sealed: [String: Set<String>] = [
        "CSodium": ["Secrets"], "CSystemd": ["Host"], "CLinux": ["Host"], "COpenAPI": ["SocketAPI"],
    ]

    /// The platform. `Model` has no I/O, and neither has what only decides.
    private static let platform: Set<String> = [
        "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Synchronization",
    ]
    private static let purePlatform: Set<String> = ["FoundationEssentials", "Synchronization"]
    private static let pure: Set<String> = ["Access", "KeyturnWire", "Model", "Rotations"]

    static var modules: Set<String> { Set(arrows.keys) }

    static func mayImport(_ module: String, _ imported: String) -> Bool {
        if platform.contains(imported) { return !pure.contains(module) || purePlatform.contains(imported) }
        if let only = sealed[imported] { return only.contains(module) }
        return packages[module, default: []].contains(imported) || reachable(from: module).contains(imported)
    }

    private static func reachable(from module: String) -> Set<String> {
        var found: Set<String> = []
        var open = arrows[module, default: []]
        while let next = open.popFirst() {
            guard found.insert(next).inserted else { continue }
            open.formUnion(arrows[next, default: []])
        }
        return found
    }
}
