import ArgumentParser

extension CompletionKind {
    /// The configs that the caller may see.
    static let configs = names(listedBy: "config list")
    static let upstreams = names(listedBy: "upstream list")

    /// The first column of a table without its head. Nobody wants to read, while typing, why there are no names, nor to wait for them.
    private static func names(listedBy command: String) -> CompletionKind {
        .shellCommand("timeout 3 env -u KEYTURN_FORMAT keyturn \(command) 2>/dev/null | tail -n +2 | cut -d' ' -f1")
    }
}
