import Foundation
import Model
import Settings
import Testing

@Suite struct `Reading the daemon's settings` {
    @Test func `there is a default for everything`() throws {
        var sources = SettingsSources()
        sources.folder = "/nonexistent"
        #expect(try sources.read() == DaemonSettings())
        #expect(DaemonSettings().socketMode == 0o660 && DaemonSettings().rotation.cycleGaps.map(\.description) == ["5min", "15min", "1h"])
    }

    @Test func `flags win over the environment over later files over earlier ones`() throws {
        try withFolder(
            [
                "keyturn.yaml": "vault: /a\nsocket: /a\nkey_file: /a\nlog_level: debug\nrotation: {cycles: 5, cycle: 2min}",
                "keyturn.yaml.d/20-b.yaml": "socket: /b\nkey_file: /b\nlog_level: error",
                "keyturn.yaml.d/10-c.yaml": "log_level: notice\nrotation:\n  cycles: 7",
                "keyturn.yaml.d/30-d.yml": "nonsense: 1",
            ]
        ) { folder in
            var sources = SettingsSources(
                environment: ["KEYTURN_KEY_FILE": "/e", "KEYTURN_LOG_LEVEL": "info"], flags: [.logLevel: "warning"])
            sources.folder = folder
            let settings = try sources.read()
            #expect([settings.vault, settings.socket, settings.keyFile] == ["/a", "/b", "/e"])
            #expect(settings.logLevel == .warning && settings.rotation.cycles == 7 && settings.rotation.cycle.description == "2min")
        }
    }

    @Test func `a unit's second state directory is the counter's, unless something else is said`() throws {
        func counterFile(_ environment: [String: String], _ files: [String: String] = [:]) throws -> String? {
            var found: String?
            try withFolder(files) { folder in
                var sources = SettingsSources(environment: environment)
                sources.folder = folder
                found = try sources.read().counterFile
            }
            return found
        }
        let unit = ["STATE_DIRECTORY": "/var/lib/keyturn:/var/lib/keyturn-counter"]
        #expect(try counterFile(unit) == "/var/lib/keyturn-counter/counter")
        #expect(try counterFile(unit, ["keyturn.yaml": "counter_file: /a"]) == "/a")
        #expect(try counterFile(["STATE_DIRECTORY": "/var/lib/keyturn"]) == nil)
        #expect(try counterFile([:]) == nil)
    }

    @Test func `a file that is named is read alone, and must be there`() throws {
        try withFolder(["keyturn.yaml": "vault: /a", "mine.yaml": "socket: /b"]) { folder in
            var sources = SettingsSources(environment: ["KEYTURN_CONFIG": folder + "/mine.yaml"])
            sources.folder = folder
            let settings = try sources.read()
            #expect(settings.vault == "/var/lib/keyturn" && settings.socket == "/b")
            sources.onlyFile = folder + "/none.yaml"
            #expect(sources.check().map(\.description) == ["\(folder)/none.yaml: There is no such file."])
        }
    }

    @Test func `a file that can't be read is told apart from one that is no text`() throws {
        try withFolder(["text.yaml": "vault: /a"]) { folder in
            var sources = SettingsSources()
            sources.onlyFile = folder
            #expect(sources.check().map(\.description) == ["\(folder): The file can't be read (EISDIR)."])
            let path = folder + "/text.yaml"
            try Data([0x76, 0xFF]).write(to: URL(filePath: path))
            sources.onlyFile = path
            #expect(sources.check().map(\.description) == ["\(path): The file is not UTF-8 text."])
        }
    }

    @Test(arguments: [
        ("vualt: /a", "1:1: There is no field 'vualt'; did you mean 'vault'?"),
        ("vault: var", "1:8: 'vault' must be an absolute path."),
        ("vault:", "1:7: 'vault' must be a single value."),
        ("vault: [a]", "1:8: 'vault' must be a single value."),
        ("log_level: loud", "1:12: 'log_level' must be one of trace, debug, info, notice, warning, error, critical."),
        ("socket_mode: 0999", "1:14: 'socket_mode' must be permissions in octal, such as 0660."),
        ("rotation:\n  cycle: 0", "2:10: 'rotation.cycle' must be longer than nothing."),
        ("rotation:\n  cycles: many", "2:11: 'rotation.cycles' must be a whole number from 1 to 1000."),
        ("rotation:\n  cycle_gaps: 5min", "2:15: 'rotation.cycle_gaps' must be a list."),
        ("rotation: 5", "1:11: 'rotation' must hold fields."),
        ("- vault", "1:1: The file must hold fields, 'name: value'."),
        ("vault: /a\nvault: /b", "1:1: There more than once: 'vault'."),
    ]) func `what is wrong is told with its place and what was meant`(_ text: String, _ error: String) throws {
        try withFolder(["keyturn.yaml": text]) { folder in
            var sources = SettingsSources()
            sources.folder = folder
            #expect(sources.check().map(\.description) == ["\(folder)/keyturn.yaml:\(error)"])
        }
    }

    @Test func `all errors are told at once`() throws {
        try withFolder(["keyturn.yaml": "vault: a\nsocket: b\nstop_timeout: [1"]) { folder in
            var sources = SettingsSources(environment: ["KEYTURN_VAULT": "x"], flags: [.keyFile: "y"])
            sources.folder = folder
            let places = sources.check().map(\.place)
            #expect(places.count == 3 && places.contains(.environment(variable: "KEYTURN_VAULT")) && places.contains(.flag("--key-file")))
        }
    }

    @Test func `modes are octal, and durations spelt as in systemd`() throws {
        try withFolder(["keyturn.yaml": "socket_mode: 0600\nstop_timeout: 1min 30s\nrotation: {cycle_gaps: [1min, 90]}"]) { folder in
            var sources = SettingsSources()
            sources.folder = folder
            let settings = try sources.read()
            #expect(settings.socketMode == 0o600 && settings.stopTimeout.duration == .seconds(90))
            #expect(settings.rotation.cycleGaps.map(\.duration) == [.seconds(60), .seconds(90)])
        }
    }
}

@Suite struct `The accounts` {
    @Test func `are found by name, a group by its number too`() {
        #expect(Accounts.uid(ofUser: "root") == 0 && Accounts.uid(ofUser: "no-such-user") == nil)
        #expect(Accounts.gid(nameOrNumber: "root") == 0 && Accounts.gid(nameOrNumber: "7") == 7)
        #expect(Accounts.gid(nameOrNumber: "no-such-group") == nil && Accounts.gid(ofGroup: "7") == nil)
    }
}
