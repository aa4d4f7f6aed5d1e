import Glibc
import KeyturnWire

/// Where output goes, and how. Results on standard output; notes, progress and errors on standard error.
struct Console: Sendable {
    let output: Sink
    let errors: Sink
    let isJSON: Bool
    let isQuiet: Bool
    let mayColour: Bool
    let pasted: PastedCommand

    /// `socket`: the one that was asked for by a flag.
    init(_ surroundings: Surroundings, json: Bool, quiet: Bool, socket: String?) {
        let environment = surroundings.environment
        let noColour = environment["NO_COLOR"].map { !$0.isEmpty } ?? false  // https://no-color.org
        self.init(
            output: surroundings.output, errors: surroundings.errors, isJSON: json || environment["KEYTURN_FORMAT"] == "json",
            isQuiet: quiet,
            mayColour: !noColour && environment["TERM"] != "dumb", pasted: PastedCommand(socket: socket))
    }

    init(output: Sink, errors: Sink, isJSON: Bool, isQuiet: Bool, mayColour: Bool, pasted: PastedCommand) {
        self.output = output
        self.errors = errors
        self.isJSON = isJSON
        self.isQuiet = isQuiet
        self.mayColour = mayColour
        self.pasted = pasted
    }

    /// The result: the document for `--json`, else what `people` makes of it.
    func show(_ value: some Encodable, people: () -> Void) {
        if isJSON { json(value) } else { people() }
    }

    func json(_ value: some Encodable) {
        output.write(Self.document(value))
    }

    /// A line of the result.
    func line(_ parts: Styled...) {
        output.write(Self.text(parts, inColour: coloursOutput) + "\n")
    }

    func table(_ table: Table) {
        table.lines(inColour: coloursOutput).forEach { output.write($0 + "\n") }
    }

    func sheet(_ sheet: Sheet) {
        sheet.lines(inColour: coloursOutput).forEach { output.write($0 + "\n") }
    }

    /// What was done, where there is no other result; for people only.
    func done(_ text: Styled...) {
        guard !isQuiet, !isJSON else { return }
        output.write(Self.text(text, inColour: coloursOutput) + "\n")
    }

    /// Something good to know: what to do first, what follows.
    func note(_ text: Styled) {
        guard !isQuiet, !isJSON else { return }
        errors.write(text.rendered(inColour: coloursErrors) + "\n")
    }

    func hint(_ command: String) {
        note("  try: \(pasted.text(command))")
    }

    func warn(_ text: String) {
        guard !isJSON else { return }
        errors.write(Self.text([Styled("keyturn: warning: ", .warning), Styled(text)], inColour: coloursErrors) + "\n")
    }

    func report(_ failure: Failure) {
        report(failure.document)
    }

    func report(_ problem: ProblemDocument) {
        guard !isJSON else { return errors.write(Self.document(problem)) }
        errors.write(Self.text([Styled("keyturn: ", .bad), Styled(problem.detail)], inColour: coloursErrors) + "\n")
        if let message = problem.rotation?.upstreamMessage { errors.write("  the backend says: \(SafeText.line(message))\n") }
        if let nextStep = problem.nextStep { errors.write("  try: \(SafeText.line(pasted.text(nextStep)))\n") }
    }

    private var coloursOutput: Bool { mayColour && output.isTerminal }
    private var coloursErrors: Bool { mayColour && errors.isTerminal }

    private static func text(_ parts: [Styled], inColour: Bool) -> String {
        parts.map { $0.rendered(inColour: inColour) }.joined()
    }

    private static func document(_ value: some Encodable) -> String {
        SafeText.json(String(decoding: WireJSON.encode(value), as: UTF8.self)) + "\n"
    }
}

/// One of the standard streams, or a test's.
struct Sink: Sendable {
    let isTerminal: Bool
    let write: @Sendable (String) -> Void

    /// What to do when nobody reads any more (`keyturn history | head`), or the disk is full.
    enum Broken: Sendable {
        /// Nothing more can be said either way.
        case endsProcess
        /// There is something to tidy up first.
        case isIgnored
    }

    static func descriptor(_ descriptor: CInt, whenBroken broken: Broken = .endsProcess) -> Sink {
        // SAFETY: isatty(3) takes any number.
        Sink(isTerminal: isatty(descriptor) == 1) { text in
            var text = text
            text.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while !rest.isEmpty {
                    // SAFETY: the buffer is valid for its count.
                    let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else {
                        switch broken {
                        // SAFETY: exit(3) has no preconditions.
                        case .endsProcess: exit(CommandExit.failed.rawValue)
                        case .isIgnored: return
                        }
                    }
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
        }
    }
}
