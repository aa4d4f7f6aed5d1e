/// The paths of the contract.
enum Route {
    static func of(_ method: String, _ uri: String) -> (Call, id: String?) {
        let path = uri.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let parts = path.map(String.init)
        switch (method, parts.count) {
        case ("PUT", 3) where parts[0] == "ai" && parts[1] == "llm": return (.put, parts[2])
        case ("POST", 4) where parts[0] == "ai" && parts[1] == "llm" && parts[3] == "validate": return (.validate, parts[2])
        case ("GET", 2) where parts == ["ai", "llm"]: return (.list, nil)
        case ("POST", 2) where parts == ["user", "refresh"]: return (.refresh, nil)
        default: return (.any, nil)
        }
    }
}
