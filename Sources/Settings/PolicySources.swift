internal import FoundationEssentials
internal import Glibc
package import Access

/// Where the policy comes from: `policy.yaml` in a folder, and `policy.d/*.yaml` in it, in the order of their names.
package struct PolicySources: Sendable {
    /// Beside the daemon's settings: `/etc/keyturn` unless they lie elsewhere.
    package let folder: String
    /// Besides root, who may own the files: the daemon's own user.
    private let trusted: UInt32

    package init(folder: String, trusted: UInt32) {
        self.folder = folder
        self.trusted = trusted
    }

    /// `nil` where there is no file at all. Throws all that is wrong; one that others could change is wrong, whatever is in it.
    package func read() throws(SettingsErrors) -> Policy? {
        var reading = PolicyReading()
        var found = false
        for path in try files() {
            do throws(SettingsError) {
                guard let text = try trustedText(at: path) else { continue }
                found = true
                reading.read(text, at: path)
            } catch {
                reading.errors.append(error)
            }
        }
        guard reading.errors.isEmpty else { throw SettingsErrors(errors: reading.errors) }
        return found ? Policy(rules: reading.rules) : nil
    }

    /// For `policy check`: how many rules a file has, whoever owns it; throws all that is wrong with it.
    package static func check(_ path: String) throws(SettingsErrors) -> Int {
        var reading = PolicyReading()
        do throws(SettingsError) {
            guard let text = try text(at: path, by: { (_, _) throws(SettingsError) in }) else {
                throw SettingsError(.wholeFile(path: path), "There is no such file.")
            }
            reading.read(text, at: path)
        } catch {
            reading.errors.append(error)
        }
        guard reading.errors.isEmpty else { throw SettingsErrors(errors: reading.errors) }
        return reading.rules.count
    }

    private func files() throws(SettingsErrors) -> [String] {
        let parts = folder + "/policy.d"
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: parts) } catch {
            guard (error as? CocoaError)?.code != .fileReadNoSuchFile else { return [folder + "/policy.yaml"] }
            throw SettingsErrors(errors: [SettingsError(.wholeFile(path: parts), "The folder can't be read.")])
        }
        return [folder + "/policy.yaml"]
            + names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { "\(parts)/\($0)" }
    }

    private func trustedText(at path: String) throws(SettingsError) -> String? {
        try Self.text(at: path) { (path, status) throws(SettingsError) in
            try requireTrusted(path, status)
            // Who can write the folder can put another file in its place.
            let parent = URL(filePath: path).deletingLastPathComponent().path
            var folder = stat()
            // SAFETY: the path is a C string, `folder` a live variable.
            guard stat(parent, &folder) == 0 else {
                throw SettingsError(.wholeFile(path: parent), "It can't be looked at (\(Self.lastError)).")
            }
            try requireTrusted(parent, folder)
        }
    }

    private func requireTrusted(_ path: String, _ status: stat) throws(SettingsError) {
        guard status.st_uid == 0 || status.st_uid == trusted else {
            throw SettingsError(
                .wholeFile(path: path),
                "It belongs to uid \(status.st_uid); a policy must belong to root. Look at it, then: chown root \(path)")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw SettingsError(
                .wholeFile(path: path), "Others than its owner can change it. Look at it, then: chmod go-w \(path)")
        }
    }

    /// `nil` where there is no such file. `look` judges it as it was opened, so that it can't be exchanged in between.
    private static func text(
        at path: String, by look: (String, stat) throws(SettingsError) -> Void
    ) throws(SettingsError) -> String? {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            let why = errno == EACCES ? "This user may not read the file." : "The file can't be read (\(lastError))."
            throw SettingsError(.wholeFile(path: path), why)
        }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(descriptor) }
        var status = stat()
        // SAFETY: `status` is a live variable.
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SettingsError(.wholeFile(path: path), "It is not a regular file.")
        }
        try look(path, status)
        guard status.st_size <= bytesMax else { throw SettingsError(.wholeFile(path: path), "It is longer than \(bytesMax) bytes.") }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count < bytes.count {
            // SAFETY: there is room for as many bytes as are asked for.
            let read = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if read == 0 { break }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw SettingsError(.wholeFile(path: path), "The file can't be read (\(lastError)).") }
            count += read
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw SettingsError(.wholeFile(path: path), "The file is not UTF-8 text.")
        }
        return text
    }

    private static var lastError: String { String(cString: strerror(errno)) }

    /// Thousands of rules; each is looked at by every request.
    private static let bytesMax = 1 << 20
}
