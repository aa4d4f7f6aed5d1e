import Foundation

/// A folder with these files, as `/etc/keyturn` is: for its owner to change, and for all to read.
func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let manager = FileManager.default
    let folder = manager.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
    let folders = ["", "keyturn.yaml.d"] + files.keys.filter { $0.contains("/") }.map { String($0.prefix { $0 != "/" }) }
    for name in folders {
        let path = folder.appending(path: name)
        try manager.createDirectory(at: path, withIntermediateDirectories: true)
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.path)
    }
    defer { try? manager.removeItem(at: folder) }
    for (name, text) in files {
        let path = folder.appending(path: name)
        try Data(text.utf8).write(to: path)
        try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path.path)
    }
    try body(folder.path)
}
