import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `What the daemon may write to, under a real systemd` {
    /// Each setting that mounts something makes a place that the others don't reach: all that there are, are tried.
    @Test func `is its own folders and those for what passes, and nothing in them can be started`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            pid=$(systemctl show -P MainPID keyturnd.service)
            writable() {
                while read -r _ _ _ _ place options _; do
                    case ",$options," in *,ro,*) continue;; esac
                    [ ! -d /proc/$pid/root$place ] || echo $place
                done < /proc/$pid/mountinfo
            }
            echo; echo "== started"
            for place in $(writable); do
                cp /bin/true /proc/$pid/root$place/tried 2> /dev/null || continue
                nsenter -t $pid -m $place/tried 2> /dev/null && echo $place
                rm /proc/$pid/root$place/tried
            done
            echo "== its user's"
            for place in $(writable); do
                find /proc/$pid/root$place -maxdepth 0 \( -user keyturn -perm -u=w -o -group keyturn -perm -g=w -o -perm -o=w \) -printf "$place\n"
            done | sort -u
            """#)
        // Whoever may write there is root: the C library's folders, and the Swift runtime's of a debug build.
        let libraries = ["/usr/lib", "/opt/", "/usr/local/"]
        let started = outcome["started"].split(separator: "\n").filter { place in !libraries.contains(where: place.hasPrefix) }
        #expect(started == [], "\(outcome.output)")
        let own = outcome["its user's"].split(separator: "\n").map(String.init)
        #expect(
            own == ["/dev/mqueue", "/dev/shm", "/tmp", "/var/lib/keyturn", "/var/lib/keyturn-counter", "/var/tmp"], "\(outcome.output)")
    }
}
