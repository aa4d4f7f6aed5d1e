import CSystemd
import Glibc

/// PID 1's interface on the system bus. Blocks.
// SAFETY: every use is on SystemUnits' serial queue, one at a time.
final class UnitManager: @unchecked Sendable {
    struct Unit {
        let name: String
        let path: String
    }

    private static let destination = "org.freedesktop.systemd1"
    private static let unitFolder = "/org/freedesktop/systemd1/unit"

    private let timeoutMicroseconds: UInt64
    private var bus: OpaquePointer?
    /// Since systemd 253.
    private var knowsPIDFD = true

    init(timeout: Duration) {
        timeoutMicroseconds = UInt64(max(timeout, .milliseconds(1)) / .microseconds(1))
    }

    deinit { drop() }

    func unit(ofProcess process: Descriptor?, pid: Int32) -> Unit? {
        if knowsPIDFD, let process {
            switch ask("GetUnitByPIDFD", type: "h", process.number) {
            case .path(let path): return unit(at: path)
            case .unknownMethod: knowsPIDFD = false
            case .failed: return nil
            }
        }
        guard pid > 0 else { return nil }
        guard case .path(let path) = ask("GetUnitByPID", type: "u", pid) else { return nil }
        return unit(at: path)
    }

    /// The user that a service runs as, as PID 1 resolved it: root where the unit names none.
    func uid(ofService unit: Unit) -> UInt32? {
        guard let bus = connection() else { return nil }
        var uid: UInt32 = 0
        // SAFETY: the bus is open, the strings live through the call, and a property of type u fills a UInt32.
        let result = sd_bus_get_property_trivial(
            bus, Self.destination, unit.path, "org.freedesktop.systemd1.Service", "UID", nil, CChar(UInt8(ascii: "u")), &uid)
        guard result >= 0 else { return nil }
        return uid == UInt32.max ? 0 : uid
    }

    private enum Reply {
        case path(String)
        case unknownMethod
        case failed
    }

    /// Calls a method of one argument whose reply begins with a unit's path. A bus that was lost is opened anew, once.
    private func ask(_ method: String, type: Unicode.Scalar, _ number: Int32) -> Reply {
        for _ in 0..<2 {
            guard let bus = connection() else { return .failed }
            let (result, reply) = call(method, on: bus, type: CChar(type.value), number)
            if result == -ENOTCONN || result == -ECONNRESET || result == -EPIPE {
                drop()
                continue
            }
            return reply
        }
        return .failed
    }

    private func call(
        _ method: String, on bus: OpaquePointer, type: CChar, _ number: Int32
    ) -> (result: Int32, reply: Reply) {
        var argument = number
        var message: OpaquePointer?
        var reply: OpaquePointer?
        var error = sd_bus_error()
        // SAFETY: what the library made is given back to it once, whatever happened; all three accept empty ones.
        defer {
            sd_bus_error_free(&error)
            sd_bus_message_unref(reply)
            sd_bus_message_unref(message)
        }
        // SAFETY: the bus is open, the strings live through the call, and `message` receives a message of ours.
        var result = sd_bus_message_new_method_call(
            bus, &message, Self.destination, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", method)
        guard result >= 0 else { return (result, .failed) }
        // SAFETY: 'h', a descriptor, and 'u' are both of 32 bits, as `argument` is. A descriptor is duplicated.
        result = sd_bus_message_append_basic(message, type, &argument)
        guard result >= 0 else { return (result, .failed) }
        // SAFETY: bus and message are valid; `error` and `reply` are released above.
        result = sd_bus_call(bus, message, timeoutMicroseconds, &error, &reply)
        guard result >= 0 else {
            // A bus whose policy is older than the method denies it before PID 1 sees it.
            let isUnknown = ["UnknownMethod", "AccessDenied"].contains { name in
                // SAFETY: the error was filled by the call above, or is empty.
                sd_bus_error_has_name(&error, "org.freedesktop.DBus.Error.\(name)") > 0
            }
            return (result, isUnknown ? .unknownMethod : .failed)
        }
        var path: UnsafePointer<CChar>?
        // SAFETY: an object path is read as a pointer into the reply, which lives until the end of this function.
        result = sd_bus_message_read_basic(reply, CChar(UInt8(ascii: "o")), &path)
        guard result > 0, let path else { return (result, .failed) }
        return (result, .path(String(cString: path)))
    }

    private func unit(at path: String) -> Unit? {
        var name: UnsafeMutablePointer<CChar>?
        // SAFETY: both strings live through the call; what it allocates is freed below.
        guard sd_bus_path_decode(path, Self.unitFolder, &name) > 0, let name else { return nil }
        // SAFETY: the library allocated it with malloc and left it to us.
        defer { free(name) }
        return Unit(name: String(cString: name), path: path)
    }

    private func connection() -> OpaquePointer? {
        if let bus { return bus }
        var opened: OpaquePointer?
        // SAFETY: `opened` receives a connection of ours, or stays empty.
        guard sd_bus_open_system(&opened) >= 0 else { return nil }
        bus = opened
        return opened
    }

    private func drop() {
        // SAFETY: the connection is ours and not used again; an empty one is accepted.
        sd_bus_flush_close_unref(bus)
        bus = nil
    }
}
