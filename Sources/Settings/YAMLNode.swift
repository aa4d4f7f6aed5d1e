internal import Yams

extension Node {
    /// A scalar as it was written: whether `0660` is a number is not YAML's to decide here. Nothing at all is no value.
    var text: String? {
        guard let scalar, null == nil else { return nil }
        return scalar.string
    }

    func place(in path: String) -> SettingsError.Place {
        .file(path: path, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }
}
