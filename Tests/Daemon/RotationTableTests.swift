import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `The rotation's table` {
    typealias Row = RotationRow

    static let withoutOld = Scene.Setting { $0.knowsOld = false }
    static let badKey = Scene.Setting { $0.newKey = "bad" }
    static let badKeyWithoutOld = Scene.Setting {
        $0.newKey = "bad"
        $0.knowsOld = false
    }

    static let current = [1: "previous", 2: "current"]
    static let back = [1: "current", 2: "rejected"]
    static let stagedAgain = [1: "current", 2: "staged"]
    static let open = [1: "current", 2: "pending"]

    // MARK: It works

    static let good: [Row] = [
        Row(
            "200 and a working key", [], .init(),
            .init(exit: 0, state: "succeeded", versions: current, held: "new", proof: "proven", attempts: 1, event: "rotation.succeeded")),
        Row(
            "the same where no earlier version is known", [], withoutOld,
            .init(
                exit: 0, state: "succeeded", versions: [1: "current"], held: "new", proof: "proven", attempts: 1,
                event: "rotation.succeeded")),
        Row(
            "proving turned off", [], .init { $0.proves = false },
            .init(exit: 0, state: "succeeded", versions: current, held: "new", proof: "off", attempts: 1, event: "rotation.succeeded")),
    ]

    /// Validates from which nothing is learnt: current all the same, and a warning.
    static let unproven: [Row] = [
        ("validate 404", Fault.status(404), Int.max), ("validate 405", .status(405), .max), ("validate 501", .status(501), .max),
        ("validate 403", .status(403), .max), ("validate 500", .status(500), .max), ("validate without success", .noSuccess, .max),
        ("validate unreachable", .resetBeforeEffect, .max),
    ].map { name, fault, times in
        Row(
            name, [(fault, .validate, times)], .init(),
            .init(
                exit: 0, state: "succeeded", versions: current, held: "new", proof: "unproven", attempts: 1, event: "rotation.succeeded",
                warns: true))
    }

    /// Answers to the PUT without a verdict: once more, then validate.
    static let silent: [Row] = [("an empty body", Fault.emptyBody), ("no success in it", .noSuccess)].map { name, fault in
        Row(
            "200 with \(name)", [(fault, .put, .max)], .init(),
            .init(
                exit: 0, state: "succeeded", versions: current, held: "new", proof: "unproven", attempts: 2, event: "rotation.succeeded",
                warns: true))
    }

    /// Unknown outcomes of the first PUT; the second one is answered properly.
    static let unknownOnce: [Row] = [
        ("a web page", Fault.html), ("a body that is too long", .overlong), ("a body without end", .endlessBody),
        ("text that is no JSON", .status(200, body: "OK")),
        ("another id", .otherID), ("201", .status(201)), ("204", .status(204)), ("a reset before the effect", .resetBeforeEffect),
        ("a reset after the effect", .resetAfterEffect), ("408", .status(408)), ("425", .status(425)), ("429", .status(429)),
        ("500", .status(500)),
        ("503 after the effect", .statusAfterEffect(503)), ("Retry-After: 0", .retryAfter(seconds: 0, status: 503)),
    ].map { name, fault in
        Row(
            "\(name), then a proper answer", [(fault, .put, 1)], .init(),
            .init(exit: 0, state: "succeeded", versions: current, held: "new", proof: "proven", attempts: 2, event: "rotation.succeeded"))
    }

    // MARK: It does not

    static let refused: [Row] = [
        ("400", Fault.status(400), "rejected", "key-rejected", back, "rotation.rejected"),
        ("400 that quotes the key", .echoKey, "rejected", "key-rejected", back, "rotation.rejected"),
        ("403", .status(403), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
        ("404", .status(404), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
        ("307", .redirect(to: "https://127.0.0.1:1/"), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
        ("304", .status(304), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
        ("409", .status(409), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
        ("422", .status(422), "failed", "upstream-refused", stagedAgain, "rotation.failed"),
    ].map { name, fault, state, code, versions, event in
        Row(
            name, [(fault, .put, .max)], .init(),
            .init(exit: 1, state: state, code: code, versions: versions, held: "old", attempts: 1, event: event))
    }

    static let putBack: [Row] = [
        Row(
            "a key that does not work", [], badKey,
            .init(
                exit: 1, state: "rejected", code: "key-rejected", versions: back, held: "old", attempts: 2, event: "rotation.rejected",
                reason: "success: false")),
        Row(
            "success: false though it was stored", [(.successFalse(message: "No", stores: true), .put, 1)], .init(),
            .init(exit: 1, state: "rejected", code: "key-rejected", versions: back, held: "old", attempts: 2, event: "rotation.rejected")),
        Row(
            "success: false and not stored", [(.successFalse(message: "No", stores: false), .put, 1)], .init(),
            .init(exit: 1, state: "rejected", code: "key-rejected", versions: back, held: "old", attempts: 2, event: "rotation.rejected")),
        Row(
            "400 after an unknown outcome", [(.statusAfterEffect(500), .put, 1), (.status(400), .put, 1)], .init(),
            .init(exit: 1, state: "rejected", code: "key-rejected", versions: back, held: "old", attempts: 3, event: "rotation.rejected")),
    ]

    static let noWayBack: [Row] = [
        Row(
            "a key that does not work, and no earlier one known", [], badKeyWithoutOld,
            .init(
                exit: 1, state: "failed", code: "key-rejected", versions: [1: "current"], held: "new", proof: "failed", attempts: 1,
                event: "rotation.failed")),
        Row(
            "success: false, and no earlier key known", [(.successFalse(message: "No", stores: true), .put, 1)], withoutOld,
            .init(exit: 1, state: "stuck", code: "stuck", versions: [1: "pending"], held: "new", attempts: 1, event: "rotation.stuck")),
    ]

    static let stuck: [Row] =
        [403, 404, 307, 409].map { status in
            Row(
                "\(status) after an unknown outcome", [(.statusAfterEffect(500), .put, 1), (.status(status), .put, .max)], .init(),
                .init(exit: 1, state: "stuck", code: "stuck", versions: open, held: "new", attempts: 2, event: "rotation.stuck"))
        } + [
            Row(
                "no way back either", [(.successFalse(message: "No", stores: true), .put, 1), (.status(403), .put, .max)], .init(),
                .init(exit: 1, state: "stuck", code: "stuck", versions: open, held: "new", event: "rotation.stuck"))
        ]

    /// Always the same unknown outcome: the cycle ends, and the rotation waits for its next one.
    static let waiting: [Row] = [
        ("500 again and again", Fault.status(500), "old"), ("resets again and again", .resetBeforeEffect, "old"),
        ("resets after the effect again and again", .resetAfterEffect, "new"), ("429 again and again", .status(429), "old"),
        ("Retry-After beyond the cycle", .retryAfter(seconds: 600, status: 503), "old"), ("no answer in time", .hangAfterEffect, "new"),
        ("an answer that never ends in time", .slowBody, "new"),
    ].map { name, fault, held in
        Row(
            name, [(fault, .put, .max)], .init(),
            .init(exit: 1, state: "waiting", code: "upstream-unreachable", versions: open, held: held, event: "rotation.waiting"))
    }

    static let unauthorized: [Row] = [
        Row(
            "401 to a fixed token", [(.status(401), .put, .max)], .init(),
            .init(exit: 1, state: "waiting", code: "upstream-auth", versions: open, held: "old", event: "rotation.waiting")),
        Row(
            "401 to the validate", [(.status(401), .validate, .max)], .init(),
            .init(exit: 1, state: "waiting", code: "upstream-auth", versions: open, held: "new", event: "rotation.waiting")),
        Row(
            "401 once to a token that can be refreshed", [(.status(401), .put, 1)], .init { $0.refreshes = true },
            .init(exit: 0, state: "succeeded", versions: current, held: "new", proof: "proven", event: "rotation.succeeded")),
        Row(
            "401 again and again, refreshed or not", [(.status(401), .put, .max)], .init { $0.refreshes = true },
            .init(exit: 1, state: "waiting", code: "upstream-auth", versions: open, held: "old", event: "rotation.waiting")),
    ]

    @Test(arguments: good) func `a proper answer makes the new version current`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: unproven) func `an inconclusive validate leaves it current, unproven, with a warning`(_ row: Row) async throws {
        try await row.run()
    }
    @Test(arguments: silent) func `an answer without a verdict is asked for once more`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: unknownOnce) func `an unknown outcome repeats the same PUT`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: refused) func `a refusal keeps the old version`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: putBack) func `what may be stored and must not stay is put back`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: noWayBack) func `without an earlier version the new one stays, and that is said`(_ row: Row) async throws {
        try await row.run()
    }
    @Test(arguments: stuck) func `a refusal after an unknown outcome needs somebody`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: waiting) func `no usable answer within the cycle is waited out`(_ row: Row) async throws { try await row.run() }
    @Test(arguments: unauthorized) func `a refused token rejects nothing`(_ row: Row) async throws { try await row.run() }
}
