/// Which release this is; one number for both executables, the API and the package.
package enum Release {
    package static let version = "0.1.0"
}
