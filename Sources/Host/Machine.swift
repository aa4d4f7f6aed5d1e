import CLinux
import CSystemd
import Glibc

/// The machine and its clocks.
package enum Machine {
    /// machine-id(5), 32 hex digits. It must not leave the host as it is; `nil` where there is none.
    package static var id: String? {
        var id = sd_id128()
        // SAFETY: fills a live variable of the right type.
        guard sd_id128_get_machine(&id) >= 0 else { return nil }
        return withUnsafeBytes(of: id) { bytes in
            bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        }
    }

    /// Since the machine was started, time asleep included: no clock setting moves it.
    package static var uptime: Duration {
        // SAFETY: no arguments, no state.
        .nanoseconds(kt_uptime_nanoseconds())
    }

    /// The name of a user; `nil` where it has none.
    package static func userName(_ uid: UInt32) -> String? {
        var name = [CChar](repeating: 0, count: 256)
        // SAFETY: the array has as much room as is said.
        let length = kt_user_name(uid, &name, name.count)
        return length > 0 ? String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// The user that this process acts as.
    package static var ownUID: UInt32 {
        // SAFETY: no arguments, can't fail.
        geteuid()
    }
}
