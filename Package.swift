// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every Swift target: explicit import levels, no silent existentials, and no warning that stays.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioExtras = Target.Dependency.product(name: "NIOExtras", package: "swift-nio-extras")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "keyturn",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "keyturnd", targets: ["keyturnd"]),
        .executable(name: "keyturn", targets: ["keyturn"]),
        .library(name: "keyturn-faults", type: .dynamic, targets: ["KeyturnFaults"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .target(name: "CLinux"),
        .target(name: "COpenAPI"),
        .target(name: "CPriority"),
        .target(name: "CWipe"),

        module("Model", []),
        module("Secrets", ["CSodium"]),
        module("Vault", ["Model", "Secrets"]),
        module("SQLiteEngine", ["Vault", grdb]),
        module("Rotations", ["Model", "Secrets"]),
        module("Access", ["Model"]),
        module("Operations", ["Access", "Model", "Rotations", "Secrets", "Vault"]),
        module("Outbound", ["Model", "Secrets", nio, nioPosix, nioHTTP1, nioTLS, nioSSL]),
        module("Flashback", ["Model", "Outbound", "Rotations", "Secrets"]),
        module("Host", ["CLinux", "CSystemd", "Model", logging]),
        module("KeyturnWire", []),
        module(
            "SocketAPI",
            [
                "Access", "COpenAPI", "Host", "KeyturnWire", "Model", "Operations", "Rotations", "Vault", hummingbird, hummingbirdCore,
                httpTypes, logging, nio, nioPosix, nioHTTP1,
                nioExtras, nioHTTPTypes, nioHTTPTypesHTTP1,
            ]),
        module("Settings", ["Access", "Model", yams]),
        module("KeyturnClient", ["KeyturnWire", nio, nioPosix, nioHTTP1]),
        module("FlashbackStandIn", [nio, nioPosix, nioHTTP1, nioSSL, asn1, crypto, x509]),

        .executableTarget(
            name: "keyturnd",
            dependencies: [
                "Access", "CPriority", "CWipe", "Flashback", "Host", "Model", "Operations", "Outbound", "Rotations", "Secrets", "Settings",
                "KeyturnWire", "SQLiteEngine", "SocketAPI", "Vault", argumentParser, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "keyturn",
            dependencies: [
                "CPriority", "CWipe", "FlashbackStandIn", "KeyturnClient", "KeyturnWire", "Model", "Secrets", "Settings", "SQLiteEngine",
                "Vault",
                argumentParser,
            ],
            swiftSettings: strict),

        .executableTarget(name: "manual-page", swiftSettings: strict),
        .plugin(
            name: "deb",
            capability: .command(intent: .custom(verb: "deb", description: "Make the Debian packages keyturn and keyturnd.")),
            dependencies: ["manual-page"], path: "Sources/deb", exclude: ["debian"]),

        .executableTarget(
            name: "keyturn-benchmarks",
            dependencies: [
                "Access", "Flashback", "FlashbackStandIn", "KeyturnClient", "KeyturnWire", "Model", "Operations", "Outbound", "Rotations",
                "SQLiteEngine", "Secrets", "Vault", argumentParser,
            ],
            path: "Tests/Benchmarks", swiftSettings: strict),
        .executableTarget(name: "bare-program", path: "Tests/BareProgram", swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Access", "Model", "Operations", "Rotations", "Secrets", "Vault"],
            path: "Tests/Support/Domain",
            swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: ["Access", "Model", "Operations", "Rotations", "SQLiteEngine", "Secrets", "TestSupport", "Vault"],
            path: "Tests/Simulator/Simulation", swiftSettings: strict),
        .executableTarget(
            name: "keyturn-simulator", dependencies: ["Simulation", argumentParser], path: "Tests/Simulator/Program",
            swiftSettings: strict),
        .testTarget(
            name: "SimulatorTests", dependencies: ["keyturn-simulator", "TestProcesses"], path: "Tests/Simulator/Tests",
            swiftSettings: strict),
        tests("Operations", ["Access", "Model", "Operations", "Rotations", "Secrets", "TestSupport", "Vault"]),
        tests(
            "OpenAPI",
            [
                "Access", "KeyturnWire", "Model", "Operations", "Rotations", "SocketAPI", "TestSupport", "Vault", hummingbird, httpTypes,
                yams,
            ]),
        tests("Rotations", ["Model", "Rotations"]),
        tests("Secrets", ["Secrets"]),
        tests("Architecture", []),
        .testTarget(
            name: "SystemdTests", dependencies: ["FlashbackStandIn", "TestProcesses"], path: "Tests/Systemd",
            exclude: ["boot-systemd.sh", "clean-debian.sh"], swiftSettings: strict),
        tests("Packages", ["Access", "FakeDaemon", "keyturn", "KeyturnWire", "manual-page", "Settings", "TestProcesses", argumentParser]),
        tests("Host", ["Host", "Model", logging]),
        tests("Access", ["Access", "Model"]),
        tests("Settings", ["Access", "Model", "Settings"]),
        tests(
            "SocketAPI",
            [
                "Access", "Host", "KeyturnWire", "Model", "Operations", "SocketAPI", "TestSupport", "Vault", hummingbird, httpTypes,
                logging,
                nioPosix,
            ]),
        tests("Outbound", ["FlashbackStandIn", "Model", "Outbound", "Secrets", nio, nioPosix]),
        tests("Flashback", ["Flashback", "FlashbackStandIn", "Model", "Outbound", "Rotations", "Secrets"]),

        .target(name: "FakeDaemon", dependencies: [nio, nioPosix, nioHTTP1], path: "Tests/Support/FakeDaemon", swiftSettings: strict),
        .target(name: "CSearch", path: "Tests/Support/Search"),
        .target(name: "TestProcesses", dependencies: ["CSearch", nio, nioPosix], path: "Tests/Support/Processes", swiftSettings: strict),
        .target(name: "KeyturnFaults", path: "Tests/Faults"),
        tests(
            "Durability",
            ["FlashbackStandIn", "Model", "Operations", "Rotations", "Secrets", "SQLiteEngine", "TestProcesses", "TestSupport", "Vault"]),
        tests("Daemon", ["FakeDaemon", "FlashbackStandIn", "Model", "Operations", "Secrets", "SQLiteEngine", "TestProcesses", "Vault"]),
        tests("Vault", ["Model", "Operations", "Rotations", "Secrets", "SQLiteEngine", "TestSupport", "Vault"]),
        tests("KeyturnClient", ["FakeDaemon", "KeyturnClient", "KeyturnWire"]),
        tests(
            "WaysOut",
            [
                "Access", "keyturn", "KeyturnWire", "Model", "Operations", "Rotations", "Secrets", "SocketAPI", "TestSupport", "Vault",
                argumentParser,
            ]),
        tests("KeyturnCommand", ["FakeDaemon", "keyturn", "KeyturnClient", "KeyturnWire", "Model", "Secrets", argumentParser]),
    ]
)

/// Inputs made up by libFuzzer, see docs/reliability.md. Apart from the rest, since libFuzzer brings the entry point of each.
if Context.environment["KEYTURN_FUZZ"] != nil {
    // Of ours alone: the edges of the packages below would be counted in every run, and lead it away.
    for target in package.targets where target.type == .regular {
        target.swiftSettings =
            (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp"])]
    }
    func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .executableTarget(
            name: "fuzz-\(name.lowercased())", dependencies: dependencies + ["FuzzSupport"], path: "Tests/Fuzz/\(name)",
            exclude: ["corpus", "dictionary"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    }
    package.targets += [
        .target(name: "FuzzSupport", path: "Tests/Fuzz/Support", swiftSettings: strict),
        fuzzer("Records", ["Model", "Operations", "Rotations", "Secrets", "Vault"]),
        fuzzer("Replies", ["Flashback", "Model", "Outbound", "Rotations", "Secrets", nio]),
        fuzzer("Requests", ["KeyturnWire", "Model", "Operations"]),
        fuzzer("Credentials", ["Model", "Operations", "Secrets"]),
    ]
}
