import Foundation

/// A folder's files as the calls of a log leave them: what programs see, and what is certain to be there after a power cut.
///
/// Until a file is synced, each 512 bytes of each write may have reached the disk or not, in any order. Until a folder is synced, the names
/// in it may be those of any earlier moment since it was synced last.
struct Disk {
    private let root: String
    private let top = Folder()

    private class Node {}

    private final class File: Node {
        var bytes: [UInt8] = []
        var synced: [UInt8] = []
        var changes: [Change] = []
    }

    private final class Folder: Node {
        var names: [String: Node] = [:]
        var synced: [String: Node] = [:]
        /// The names after each change since.
        var changes: [[String: Node]] = []
    }

    private enum Change {
        case write(Int, [UInt8])
        case length(Int, isLeast: Bool)
    }

    static let sector = 512

    init(root: String) {
        self.root = root
    }

    /// Files by path below the root.
    typealias Image = [String: [UInt8]]

    // MARK: What happens

    mutating func apply(_ entry: CallLog.Entry) {
        switch entry {
        case .write(let path, let offset, let bytes): change(path, .write(offset, bytes))
        case .truncate(let path, let length): change(path, .length(length, isLeast: false))
        case .extend(let path, let length): change(path, .length(length, isLeast: true))
        case .sync(let path):
            guard let file = node(path) as? File else { return }
            (file.synced, file.changes) = (file.bytes, [])
        case .create(let path): rename(path) { $0[$1] = File() }
        case .makeFolder(let path): rename(path) { $0[$1] = Folder() }
        case .remove(let path): rename(path) { $0[$1] = nil }
        case .rename(let path, let target):
            let moved = node(path)
            precondition(parts(path).dropLast() == parts(target).dropLast(), "a move from folder to folder")
            rename(target) { names, name in
                names[parts(path).last!] = nil
                names[name] = moved
            }
        case .link(let path, let target):
            let file = node(path)
            rename(target) { $0[$1] = file }
        case .syncFolder(let path):
            guard let folder = node(path) as? Folder else { return }
            (folder.synced, folder.changes) = (folder.names, [])
        case .mark, .fault: break
        }
    }

    private func change(_ path: String, _ change: Change) {
        guard let file = node(path) as? File else { return }
        Self.apply(change, to: &file.bytes)
        file.changes.append(change)
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let new):
            if bytes.count < offset + new.count { bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count) }
            bytes.replaceSubrange(offset..<(offset + new.count), with: new)
        case .length(let length, let isLeast):
            if bytes.count < length {
                bytes += [UInt8](repeating: 0, count: length - bytes.count)
            } else if !isLeast {
                bytes.removeLast(bytes.count - length)
            }
        }
    }

    private func rename(_ path: String, _ change: (inout [String: Node], String) -> Void) {
        let parts = parts(path)
        guard let name = parts.last, let folder = node(parts.dropLast()) as? Folder else { return }
        change(&folder.names, name)
        folder.changes.append(folder.names)
    }

    private func parts(_ path: String) -> [String] {
        path.dropFirst(root.count).split(separator: "/").map(String.init)
    }

    private func node(_ path: String) -> Node? { node(parts(path)[...]) }

    private func node(_ parts: ArraySlice<String>) -> Node? {
        parts.reduce(top) { ($0 as? Folder)?.names[$1] }
    }

    // MARK: What is left

    /// Everything came through, in order.
    var whole: Image {
        var image: Image = [:]
        collect(top, "", &image, { $0.names }, { $0.bytes })
        return image
    }

    /// What a power cut leaves that hits in this moment.
    func afterPowerCut(_ random: inout some RandomNumberGenerator) -> Image {
        var image: Image = [:]
        // A cut seldom spares each sector alike: at times nearly all is written, at times nearly nothing.
        let survival = Double.random(in: 0...1, using: &random)
        var draw = random
        collect(
            top, "", &image, { ([$0.synced] + $0.changes).randomElement(using: &draw)! },
            { Self.remains(of: $0, survival, &draw) })
        random = draw
        return image
    }

    private static func remains(of file: File, _ survival: Double, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = file.synced
        for change in file.changes {
            switch change {
            case .length: if Double.random(in: 0..<1, using: &random) < survival { apply(change, to: &bytes) }
            case .write(let offset, let new):
                // Sectors are those of the file, not of the write.
                var start = 0
                while start < new.count {
                    let end = min(new.count, ((offset + start) / sector + 1) * sector - offset)
                    if Double.random(in: 0..<1, using: &random) < survival {
                        apply(.write(offset + start, Array(new[start..<end])), to: &bytes)
                    }
                    start = end
                }
            }
        }
        return bytes
    }

    private func collect(
        _ folder: Folder, _ path: String, _ image: inout Image, _ names: (Folder) -> [String: Node], _ bytes: (File) -> [UInt8]
    ) {
        for (name, node) in names(folder).sorted(by: { $0.key < $1.key }) {
            switch node {
            case let file as File: image["\(path)\(name)"] = bytes(file)
            case let folder as Folder:
                image["\(path)\(name)/"] = []
                collect(folder, "\(path)\(name)/", &image, names, bytes)
            default: preconditionFailure("neither file nor folder")
            }
        }
    }
}
