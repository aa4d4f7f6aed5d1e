import Foundation

/// The least that a Foundation program does: the yardstick for how fast the daemon answers first.
@main
enum BareProgram {
    static func main() {
        FileHandle.standardOutput.write(Data("\(Date().timeIntervalSince1970)\n".utf8))
    }
}
