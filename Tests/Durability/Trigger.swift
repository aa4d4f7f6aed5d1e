import Foundation
import TestProcesses

/// Tells the faults of a process that runs when they begin and end: `FAULTS_ARMED`.
struct Trigger {
    let path: String

    init(in folder: PrivateFolder) throws {
        path = try folder.file("armed", [0])
    }

    func set(_ isArmed: Bool) throws {
        // It is mapped: it must stay the same file.
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.write(contentsOf: Data([isArmed ? 1 : 0]))
        try file.close()
    }
}
