/// Why a text is not the value it should be. `rule` is a sentence fragment that completes "must be …".
/// The text itself is never carried: a secret pasted into the wrong field must not come back in an error.
package struct InvalidValue: Error, Equatable {
    package let rule: String

    package init(_ rule: String) {
        self.rule = rule
    }
}
