import COpenAPI

/// The API's own description, built in.
enum OpenAPIDocument {
    static var text: String {
        // SAFETY: a constant array of exactly that size.
        unsafe String(decoding: UnsafeRawBufferPointer(start: keyturn_openapi_address(), count: keyturn_openapi_size), as: UTF8.self)
    }
}
