import FoundationEssentials
import Model

/// Where settings come from. Flags win over the environment over files over defaults.
package struct SettingsSources: Sendable {
    /// `--config`, or `KEYTURN_CONFIG`: read alone, and it must exist.
    package var onlyFile: String?
    /// Where `keyturn.yaml` and `keyturn.yaml.d/*.yaml` lie otherwise; none of them needs to be there.
    package var folder = "/etc/keyturn"
    package var environment: [String: String]
    package var flags: [Flag: String]
    private var defaults = DaemonSettings()

    /// The flags of keyturnd that set something.
    package enum Flag: String, Sendable, CaseIterable {
        case vault, socket
        case keyFile = "key_file"
        case counterFile = "counter_file"
        case logLevel = "log_level"
        case logFormat = "log_format"

        var spelling: String { "--" + rawValue.replacing("_", with: "-") }
        var variable: String { "KEYTURN_" + rawValue.uppercased() }
    }

    package init(environment: [String: String] = [:], flags: [Flag: String] = [:], onlyFile: String? = nil) {
        self.environment = environment
        self.flags = flags
        self.onlyFile = onlyFile ?? environment["KEYTURN_CONFIG"]
        defaults.counterFile = Self.counterFile(inStateFolders: environment["STATE_DIRECTORY"])
    }

    /// A unit's second state directory is the counter's: apart from the vault, so that a copy of the one does not take the other along. systemd
    /// separates them by colons (systemd.exec(5), `StateDirectory=`).
    private static func counterFile(inStateFolders list: String?) -> String? {
        let folders = list?.split(separator: ":") ?? []
        return folders.count == 2 && folders[1].hasPrefix("/") ? "\(folders[1])/counter" : nil
    }

    /// For a user's own daemon, whose places are below that user's folders.
    package init(of user: UserFolders, environment: [String: String], flags: [Flag: String] = [:], onlyFile: String? = nil) {
        self.init(environment: environment, flags: flags, onlyFile: onlyFile)
        folder = user.settings
        defaults.vault = user.vault
        if let socket = user.socket { defaults.socket = socket }
    }

    package func read() throws(SettingsErrors) -> DaemonSettings {
        let (settings, errors) = collect()
        guard errors.isEmpty else { throw SettingsErrors(errors: errors) }
        return settings
    }

    /// For `--check-config`: all that is wrong, nothing when all is well.
    package func check() -> [SettingsError] { collect().errors }

    private func collect() -> (settings: DaemonSettings, errors: [SettingsError]) {
        var settings = defaults
        var errors: [SettingsError] = []
        for (path, isNeeded) in files {
            let text: String
            do {
                guard let read = try Self.text(at: path) else {
                    if isNeeded { errors.append(SettingsError(.wholeFile(path: path), "There is no such file.")) }
                    continue
                }
                text = read
            } catch {
                errors.append(SettingsError(.wholeFile(path: path), error.description))
                continue
            }
            var file = SettingsFile(path: path)
            file.read(text, into: &settings)
            errors += file.errors
        }
        for flag in Flag.allCases {
            apply(environment[flag.variable], to: flag, at: .environment(variable: flag.variable), &settings, &errors)
        }
        for flag in Flag.allCases { apply(flags[flag], to: flag, at: .flag(flag.spelling), &settings, &errors) }
        if settings.rotation.backoffFirst.duration > settings.rotation.backoffMax.duration {
            errors.append(
                SettingsError(
                    .wholeFile(path: files.first?.path ?? folder),
                    "'rotation.backoff_first' must not be longer than 'rotation.backoff_max'."))
        }
        return (settings, errors)
    }

    private var files: [(path: String, isNeeded: Bool)] {
        if let onlyFile { return [(onlyFile, true)] }
        let parts = folder + "/keyturn.yaml.d"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parts)) ?? []
        return [(folder + "/keyturn.yaml", false)]
            + names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { (parts + "/" + $0, true) }
    }

    /// The policy lies beside the settings.
    package var policyFolder: String {
        onlyFile.map { URL(filePath: $0).deletingLastPathComponent().path } ?? folder
    }

    private struct Unreadable: Error { let description: String }

    /// `nil` where there is no such file.
    private static func text(at path: String) throws(Unreadable) -> String? {
        let bytes: Data
        do { bytes = try Data(contentsOf: URL(filePath: path)) } catch let error as CocoaError {
            if error.code == .fileReadNoSuchFile { return nil }
            let why = (error.underlying as? POSIXError).map { " (\($0.code))" } ?? ""
            throw Unreadable(
                description: error.code == .fileReadNoPermission
                    ? "This user may not read the file." : "The file can't be read\(why).")
        } catch {
            throw Unreadable(description: "The file can't be read.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Unreadable(description: "The file is not UTF-8 text.") }
        return text
    }

    private func apply(
        _ text: String?, to flag: Flag, at place: SettingsError.Place, _ settings: inout DaemonSettings, _ errors: inout [SettingsError]
    ) {
        guard let text, case .one(let set)? = SettingsField.all.first(where: { $0.name == flag.rawValue })?.set else { return }
        do throws(InvalidValue) {
            try set(&settings, text)
        } catch {
            errors.append(SettingsError(place, "This must be \(error.rule)."))
        }
    }
}
