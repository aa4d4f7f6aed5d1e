import Access
import Model
import Testing

@Suite struct `A policy` {
    private static func rule(
        _ name: String, _ who: CallerPattern, on configs: [String] = ["*"], may rights: Set<Right>
    ) throws -> PolicyRule {
        PolicyRule(name: name, who: who, configs: try configs.map(ConfigPattern.init), rights: rights, place: nil)
    }

    private static func identity(_ uid: UInt32, gid: UInt32 = 100, groups: [UInt32] = [], unit: String? = nil) -> CallerIdentity {
        CallerIdentity(uid: uid, gid: gid, groups: groups, pid: 7, unit: unit)
    }

    private static func caller(_ identity: CallerIdentity, _ rules: PolicyRule...) -> Caller {
        Caller(identity, under: Policy(rules: rules))
    }

    private static let config = Scope.config(try! ConfigName("openai-prod"))

    @Test(arguments: Right.allCases) func `without rules lets nobody do anything, root neither`(_ right: Right) {
        let caller = Self.caller(Self.identity(0))
        #expect(!caller.may(right, on: .everything) && !caller.may(right, on: Self.config))
    }

    @Test func `gives what one of its rules gives, and no more`() throws {
        let timers = try Self.rule("timers", CallerPattern(unit: UnitPattern("keyturn-rotate@*.service")), may: [.rotate])
        let readers = try Self.rule("readers", CallerPattern(uid: 1000), on: ["openai-*"], may: [.read])
        let caller = Self.caller(Self.identity(1000, unit: "keyturn-rotate@a.service"), timers, readers)
        #expect(caller.may(.rotate, on: .everything) && caller.may(.rotate, on: Self.config) && caller.may(.read, on: Self.config))
        let other = Scope.config(try ConfigName("aws"))
        #expect(!caller.may(.read, on: .everything) && !caller.may(.read, on: other))
        #expect(!caller.may(.stage, on: Self.config))
        #expect(caller.rules.map(\.name) == ["timers", "readers"])
    }

    @Test func `wants all that a rule says of its callers`() throws {
        let rule = try Self.rule(
            "one", CallerPattern(unit: UnitPattern("a.service"), uid: 5, gid: 9), may: [.read])
        let good = Self.identity(5, gid: 1, groups: [8, 9], unit: "a.service")
        #expect(Self.caller(good, rule).may(.read, on: Self.config))
        #expect(Self.caller(Self.identity(5, gid: 9, unit: "a.service"), rule).may(.read, on: Self.config), "its own group as well")
        let others = [
            Self.identity(6, gid: 9, unit: "a.service"), Self.identity(5, gid: 1, groups: [8], unit: "a.service"),
            Self.identity(5, gid: 9, unit: "b.service"), Self.identity(5, gid: 9, unit: nil),
        ]
        for other in others { #expect(!Self.caller(other, rule).may(.read, on: Self.config), "\(other)") }
    }

    @Test func `that says nothing of a rule's callers means nobody`() throws {
        let rule = try Self.rule("nobody", CallerPattern(), may: [.read])
        #expect(!Self.caller(Self.identity(0), rule).may(.read, on: Self.config))
    }

    @Test func `tells a config that is hidden as one that is missing, and one that is seen as forbidden`() throws {
        let rule = try Self.rule("readers", CallerPattern(uid: 1000), on: ["openai-*"], may: [.read])
        let caller = Self.caller(Self.identity(1000, unit: "x.service"), rule)
        let hidden = try ConfigName("anthropic")
        #expect(throws: Problem.unknownConfig(hidden)) { try caller.require(.read, on: .config(hidden)) }
        let refusal = #expect(throws: Problem.self) { try caller.require(.rotate, on: Self.config) }
        #expect(refusal?.code == .notAllowed)
        #expect(
            refusal?.detail == "No rule of the policy gives uid 1000 in x.service the right 'rotate' on 'openai-prod'.")
        #expect(throws: Problem.self) { try caller.require(.status, on: .everything) }
    }

    @Test(arguments: [
        ("*", "openai-prod", true), ("openai-*", "openai-prod", true), ("openai-*", "openai-", true), ("openai-*", "xopenai-prod", false),
        ("*-prod", "openai-prod", true), ("*-prod", "openai-prod2", false), ("o?enai-prod", "openai-prod", true),
        ("o?enai-prod", "oenai-prod", false), ("*a*i*", "openai-prod", true), ("*a*i*z", "openai-prod", false), ("a.b", "axb", false),
        ("**", "openai-prod", true), ("openai-prod", "openai-prod", true),
    ]) func `matches config names by wildcards`(_ pattern: String, _ name: String, _ isMatch: Bool) throws {
        let rule = try Self.rule("r", CallerPattern(uid: 1), on: [pattern], may: [.read])
        #expect(Self.caller(Self.identity(1), rule).may(.read, on: .config(try ConfigName(name))) == isMatch)
    }

    @Test(arguments: [
        "*", "*.service", "?x.service", "user@1000.service", "user@*.service", "x.scope", "x", ".service", "a b.service", "",
    ]) func `takes no unit that could be anybody's`(_ text: String) {
        #expect(throws: InvalidValue.self) { try UnitPattern(text) }
    }

    @Test func `of before goes on for a request that began under it`() throws {
        let inForce = PolicyInForce(.ownerOnly(daemonUID: 5))
        let caller = Caller(Self.identity(5), under: inForce.current)
        inForce.replace(with: Policy(rules: []))
        #expect(caller.may(.admin, on: .everything))
        #expect(!Caller(Self.identity(5), under: inForce.current).may(.admin, on: .everything))
    }

    @Test func `that is none gives all to root and the daemon's user`() {
        for (uid, isOwner) in [(UInt32(0), true), (5, true), (6, false)] {
            let caller = Caller(Self.identity(uid), under: .ownerOnly(daemonUID: 5))
            #expect(Right.allCases.allSatisfy { caller.may($0, on: .everything) == isOwner && caller.may($0, on: Self.config) == isOwner })
        }
    }
}
