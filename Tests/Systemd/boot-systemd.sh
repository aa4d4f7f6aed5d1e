#!/bin/bash
# Boots a throw-away systemd as PID 1 of new namespaces, over this machine's root file system (read-only, with a tmpfs above it), runs one
# command under it, prints its output, ends with its exit status, and leaves nothing behind.
#
# usage: boot-systemd.sh [-R ROOT] [-U UNIT-FILE[:NAME]]... [-r SOURCE:TARGET]... [-n private|host] [-S VAR=VALUE]... [-T SECONDS]
#                        -- COMMAND [ARGUMENT...]
#   -R   another root file system than this machine's
#   -U   a unit's file, or a drop-in as FILE:NAME.d/x.conf, for /etc/systemd/system
#   -r   a bind mount, read-only
#   -n   the network: loopback alone (default), or the host's
#   -S   a variable in the environment of PID 1, such as SYSTEMD_TPM2_DEVICE
#   -T   how long COMMAND may take; 0: as long as it likes
# exit: COMMAND's; 124 it took too long; 125 nothing was booted.
set -u
PROG=boot-systemd

die() { echo "$PROG: $*" >&2; exit 125; }

# ---------------------------------------------------------------- inside the new namespaces
inner() {
    set -e
    local base=$1 conf=$2 hostpid _ r src dst line net lower variables
    mapfile -t variables <"$conf/environment"
    net=$(cat "$conf/net"); lower=$(cat "$conf/root")
    read -r hostpid _ </proc/self/stat            # /proc is still the host's: our PID out there
    umask 022
    mount -n -t tmpfs -o mode=0755 $PROG "$base"
    mkdir "$base/upper" "$base/work" "$base/work2" "$base/root"; chmod 755 "$base/upper"
    mount -n -t overlay -o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work" $PROG "$base/root"
    r=$base/root

    # kernel file systems: own proc, read-only sysctls, read-only sysfs, own cgroup2 root
    mount -n -t proc -o nosuid,nodev,noexec proc "$r/proc"
    for line in sys sysrq-trigger irq bus fs; do
        [ -e "$r/proc/$line" ] || continue
        mount -n --bind "$r/proc/$line" "$r/proc/$line"
        mount -n -o remount,bind,ro,nosuid,nodev,noexec "$r/proc/$line"
    done
    if [ "$net" = private ]; then                # what is below sys/net belongs to the namespace
        mount -n -t proc -o nosuid,nodev,noexec proc "$base/work2"
        mount -n --bind "$base/work2/sys/net" "$r/proc/sys/net"
        umount -n "$base/work2"
    fi
    mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs "$r/sys"
    mount -n -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$r/sys/fs/cgroup"

    # a private /dev with the harmless nodes only
    mount -n -t tmpfs -o mode=0755,nosuid,strictatime,size=4m,nr_inodes=4k tmpfs "$r/dev"
    mknod -m 666 "$r/dev/null" c 1 3; mknod -m 666 "$r/dev/zero" c 1 5
    mknod -m 666 "$r/dev/full" c 1 7; mknod -m 666 "$r/dev/random" c 1 8
    mknod -m 666 "$r/dev/urandom" c 1 9; mknod -m 666 "$r/dev/tty" c 5 0
    mkdir "$r/dev/pts" "$r/dev/shm" "$r/dev/mqueue"
    mount -n -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec devpts "$r/dev/pts"
    ln -s pts/ptmx "$r/dev/ptmx"
    ln -s /proc/self/fd "$r/dev/fd"; ln -s fd/0 "$r/dev/stdin"; ln -s fd/1 "$r/dev/stdout"; ln -s fd/2 "$r/dev/stderr"
    mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$r/dev/shm"
    mount -n -t mqueue -o nosuid,nodev,noexec mqueue "$r/dev/mqueue"
    mount -n -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$r/run"
    mkdir -p "$r/run/lock" "$r/run/systemd/system" "$r/run/systemd/journald.conf.d" \
             "$r/run/systemd/system.conf.d" "$r/run/tmpfiles.d"

    # the distribution's own enabled units (timers, networking, database servers...) stay off:
    # only what the packages ship statically below /usr/lib/systemd, and what -e / -U bring
    rm -rf "$r"/etc/systemd/system/*.wants "$r"/etc/systemd/system/*.requires
    : >"$r/etc/fstab"
    # (a script: systemd 252 garbles $ in a transient unit's commands after a daemon-reload)
    mkdir "$r/run/$PROG"
    printf '#!/bin/sh\necho "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >/run/%s/status\n' $PROG >"$r/run/$PROG/post"
    chmod 755 "$r/run/$PROG/post"
    local m
    for m in tmp.mount systemd-journald-audit.socket systemd-tmpfiles-clean.timer systemd-timesyncd.service \
             systemd-networkd.service systemd-networkd.socket systemd-resolved.service \
             proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount \
             sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
             sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount \
             systemd-modules-load.service systemd-sysctl.service systemd-random-seed.service \
             systemd-pstore.service systemd-udevd.service systemd-udev-trigger.service \
             systemd-machine-id-commit.service systemd-firstboot.service \
             systemd-update-utmp.service systemd-update-utmp-runlevel.service \
             systemd-boot-system-token.service systemd-remount-fs.service \
             systemd-binfmt.service systemd-hwdb-update.service ldconfig.service \
             systemd-update-done.service systemd-journal-catalog-update.service; do
        ln -s /dev/null "$r/run/systemd/system/$m"
    done
    # Debian's default empties /tmp at boot; here /tmp is the host's, seen through the overlay
    echo 'q /tmp 1777 root root -' >"$r/run/tmpfiles.d/tmp.conf"
    printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=256M\nRateLimitIntervalSec=0\nForwardToSyslog=no\nForwardToWall=no\nForwardToConsole=no\nReadKMsg=no\nAudit=\n' \
        >"$r/run/systemd/journald.conf.d/$PROG.conf"
    printf '[Manager]\nLogTarget=journal\nShowStatus=no\nDefaultTimeoutStopSec=5s\n' >"$r/run/systemd/system.conf.d/$PROG.conf"
    { printf '[Unit]\nDescription=%s test target\nRequires=basic.target\nAfter=basic.target\nWants=dbus.socket dbus.service\nAllowIsolate=yes\n' $PROG
    } >"$r/run/systemd/system/$PROG.target"
    while IFS=$'\t' read -r src dst; do
        [ -n "$src" ] || continue
        mkdir -p "$r/etc/systemd/system/$(dirname "$dst")"
        cp --no-preserve=mode,ownership "$src" "$r/etc/systemd/system/$dst"
    done <"$conf/units"
    while IFS=$'\t' read -r src dst; do
        [ -n "$src" ] || continue
        if [ -d "$src" ]; then mkdir -p "$r$dst"; else mkdir -p "$(dirname "$r$dst")"; [ -e "$r$dst" ] || : >"$r$dst"; fi
        mount -n --rbind "$src" "$r$dst"
        mount -n -o remount,bind,ro "$r$dst"
    done <"$conf/binds"
    echo "$hostpid" >"$conf/pid.tmp"; mv "$conf/pid.tmp" "$conf/pid"      # before the host's paths go
    cd "$r"
    pivot_root . .
    umount -n -l .
    cd /
    # systemd leaves propagation alone when it sees $container; without shared mounts the
    # credentials directory (LoadCredential=) stays empty in the services
    mount -n --make-rshared /
    exec env -i container=$PROG PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${variables[@]}" \
        setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-wake_alarm,-block_suspend,-audit_control,-audit_read,-mac_admin,-mac_override \
        /lib/systemd/systemd --unit=$PROG.target </dev/null
}
if [ "${1-}" = --inner ]; then shift; inner "$@"; exit 125; fi

# ---------------------------------------------------------------- outside
ROOT=/; NET=private; BOOT_S=60; CMD_S=0; UNITS=(); BINDS=(); VARIABLES=()
while getopts R:U:r:n:S:T: o; do case $o in
    R) ROOT=$OPTARG;;
    U) UNITS+=("$OPTARG");; r) BINDS+=("$OPTARG");; n) NET=$OPTARG;; S) VARIABLES+=("$OPTARG");; T) CMD_S=$OPTARG;;
    *) die "usage";;
esac; done
shift $((OPTIND-1))
[ $# -gt 0 ] || die "no command given"
[ "$(id -u)" = 0 ] || die "must be root"
case $NET in private) NETOPT=--net;; host) NETOPT=;; *) die "-n private|host";; esac
for t in unshare nsenter setpriv mount pivot_root findmnt; do
    command -v $t >/dev/null || die "missing tool: $t"; done
for t in lib/systemd/systemd usr/bin/systemctl usr/bin/systemd-run usr/bin/dbus-daemon usr/bin/setpriv; do
    [ -x "$ROOT/$t" ] || die "missing in $ROOT: $t"; done
CG2=$(findmnt -n -t cgroup2 -o TARGET | head -n1)
[ -n "$CG2" ] || die "no cgroup2 mounted"

rmcg() { # remove a cgroup tree, killing what is in it
    local d=$1 _
    [ -d "$d" ] || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -e "$d/cgroup.kill" ] && echo 1 2>/dev/null >"$d/cgroup.kill"
        find "$d" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$d" ] || return 0
        sleep 0.05
    done
    echo "$PROG: could not remove cgroup $d" >&2; return 1
}
# what an earlier run that was killed with SIGKILL may have left (its owner's PID is in the name)
for d in "$CG2"/$PROG-* /tmp/$PROG-*; do
    [ -d "$d" ] || continue
    p=${d##*/$PROG-}; p=${p%%.*}
    case $p in ''|*[!0-9]*) continue;; esac
    [ -e "/proc/$p" ] && grep -qa "$PROG" "/proc/$p/cmdline" 2>/dev/null && continue
    case $d in "$CG2"/*) rmcg "$d";; /tmp/*) rm -rf --one-file-system "$d";; esac
done

CG=$CG2/$PROG-$$
W=$(mktemp -d /tmp/$PROG-$$.XXXXXX) || die "mktemp"
mkdir "$W/root" "$W/conf"
UNSHARE_PID=; INIT=; RUNPID=
cleanup() {
    local rc=$?
    trap - EXIT; trap '' INT TERM HUP
    [ -n "$RUNPID" ] && kill "$RUNPID" 2>/dev/null
    if [ -n "$INIT" ]; then
        kill -KILL "$INIT" 2>/dev/null                        # PID 1 of its namespace: all die with it
        for _ in {1..100}; do                                 # unshare, its parent, reaps it and ends
            kill -0 "$UNSHARE_PID" 2>/dev/null || break; sleep 0.02; done
    fi
    [ -n "$UNSHARE_PID" ] && { kill -KILL "$UNSHARE_PID" 2>/dev/null; wait "$UNSHARE_PID" 2>/dev/null; }
    rmcg "$CG"
    rm -rf --one-file-system "$W"
    exit $rc
}
trap cleanup EXIT
trap 'exit 130' INT; trap 'exit 143' TERM; trap 'exit 129' HUP

abspath() { case $1 in /*) echo "$1";; *) echo "$PWD/$1";; esac; }
echo "$NET" >"$W/conf/net"; abspath "$ROOT" >"$W/conf/root"
printf '%s\n' "${VARIABLES[@]+"${VARIABLES[@]}"}" | sed '/^$/d' >"$W/conf/environment"
: >"$W/conf/units"; : >"$W/conf/binds"
for x in "${UNITS[@]+"${UNITS[@]}"}"; do
    s=${x%%:*}; d=${s##*/}; [ "$s" = "$x" ] || d=${x#*:}
    [ -f "$s" ] || die "-U $s: no such file"
    printf '%s\t%s\n' "$(abspath "$s")" "$d" >>"$W/conf/units"
done
for x in "${BINDS[@]+"${BINDS[@]}"}"; do
    [ -e "${x%%:*}" ] || die "-r ${x%%:*}: no such file"
    printf '%s\t%s\n' "$(abspath "${x%%:*}")" "${x#*:}" >>"$W/conf/binds"
done

mkdir "$CG" || die "cannot make $CG"
SELF=$(readlink -f "$0")
(
    echo $BASHPID >"$CG/cgroup.procs" || exit 125
    exec setpriv --pdeathsig KILL unshare --fork --kill-child --pid --mount --uts --ipc --cgroup $NETOPT \
        /bin/bash "$SELF" --inner "$W/root" "$W/conf"
) >"$W/boot.log" 2>&1 </dev/null &
UNSHARE_PID=$!

end=$(( $(date +%s) + BOOT_S ))
until [ -e "$W/conf/pid" ]; do
    kill -0 $UNSHARE_PID 2>/dev/null || { cat "$W/boot.log" >&2; die "setting up the namespaces failed"; }
    [ "$(date +%s)" -lt $end ] || { cat "$W/boot.log" >&2; die "namespace set-up timed out"; }
    sleep 0.02
done
INIT=$(cat "$W/conf/pid")
NS=(nsenter -t "$INIT" -m -u -i -p -C); [ "$NET" = private ] && NS+=(-n)
into() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${NS[@]}" "$@"; }

state=
while :; do
    kill -0 $UNSHARE_PID 2>/dev/null || { cat "$W/boot.log" >&2; die "systemd ended while booting"; }
    # the private socket appears once PID 1 listens; --wait then blocks until the job queue is empty
    if [ -S "/proc/$INIT/root/run/systemd/private" ]; then
        left=$(( end - $(date +%s) )); [ $left -gt 0 ] || left=1
        state=$(timeout $left env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${NS[@]}" systemctl is-system-running --wait 2>/dev/null)
        case $state in running|degraded) break;;
            maintenance) into journalctl -b --no-pager -n 60 >&2; die "fell into rescue mode";; esac
    fi
    [ "$(date +%s)" -lt $end ] || { cat "$W/boot.log" >&2; into journalctl -b --no-pager -n 60 >&2; die "not up after $BOOT_S s (state: ${state:-none})"; }
    sleep 0.02
done
PIN=(); [ "$CMD_S" -gt 0 ] 2>/dev/null && PIN=(-p "RuntimeMaxSec=$CMD_S")
CMD=("${@//\$/\$\$}")                             # PID 1 would expand $VAR in the arguments
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${NS[@]}" \
    systemd-run --quiet --pipe --wait --collect --unit=$PROG-command --service-type=exec \
    -p TimeoutStopSec=5 -p KillMode=mixed -p LimitCORE=0 "${PIN[@]+"${PIN[@]}"}" \
    -p "ExecStopPost=/run/$PROG/post" \
    -E "PATH=$PATH" -E "HOME=${HOME:-/root}" -E LANG=C.UTF-8 \
    -- /bin/sh -c 'exec "$$@"' sh "${CMD[@]}" <&0 &
RUNPID=$!
wait $RUNPID; rc=$?; RUNPID=
# systemd-run's own code says 0 when PID 1 goes away under it: believe what PID 1 recorded
if read -r result code status 2>/dev/null <"/proc/$INIT/root/run/$PROG/status"; then
    case $result:$code in
        timeout:*) rc=124;;
        *:exited) rc=$status;;
        *) n=$(kill -l "$status" 2>/dev/null) && rc=$((128+n)) || rc=125;;
    esac
else
    echo "$PROG: systemd ended before COMMAND did" >&2; rc=125
fi
exit $rc
