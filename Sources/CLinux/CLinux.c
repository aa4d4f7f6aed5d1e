#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// asm-generic/socket.h; older C libraries lack it.
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int kt_peer_credentials(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -1;
    *uid = credentials.uid;
    *gid = credentials.gid;
    *pid = credentials.pid;
    return 0;
}

int kt_peer_groups(int socket, uint32_t *groups, size_t *count) {
    socklen_t length = (socklen_t)(*count * sizeof(gid_t));
    int result = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
    *count = length / sizeof(gid_t);
    return result;
}

int kt_peer_pidfd(int socket) {
    int pidfd = -1;
    socklen_t length = sizeof pidfd;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) < 0) return -1;
    return pidfd;
}

int kt_pidfd_is_running(int pidfd) {
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    int ready;
    do ready = poll(&watched, 1, 0); while (ready < 0 && errno == EINTR);
    return ready < 0 ? -1 : ready == 0;
}

static int address_of(const char *path, struct sockaddr_un *address) {
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    return 0;
}

static int give_up(int bound, const char *path, int reason) {
    if (path) unlink(path);
    close(bound);
    errno = reason;
    return -1;
}

static int bind_once(const struct sockaddr_un *address, mode_t mode, int64_t gid) {
    int bound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bound < 0) return -1;
    mode_t before = umask(0777 & ~mode);
    int result = bind(bound, (const struct sockaddr *)address, sizeof *address);
    int reason = errno;
    umask(before);
    if (result < 0) return give_up(bound, NULL, reason);
    struct stat facts;
    if (lstat(address->sun_path, &facts) < 0) return give_up(bound, NULL, errno);
    if ((facts.st_mode & 0777) != mode) return give_up(bound, address->sun_path, EAGAIN);
    if (gid >= 0 && lchown(address->sun_path, (uid_t)-1, (gid_t)gid) < 0) return give_up(bound, address->sun_path, errno);
    if (listen(bound, SOMAXCONN) < 0) return give_up(bound, address->sun_path, errno);
    return bound;
}

int kt_listen_unix(const char *path, mode_t mode, int64_t gid) {
    struct sockaddr_un address;
    if (address_of(path, &address) < 0) return -1;
    // The umask is the whole process's: should another thread set it at the same moment, the file is made anew.
    int bound = -1;
    for (int attempt = 0; attempt < 20; attempt++) {
        bound = bind_once(&address, mode, gid);
        if (bound >= 0 || errno != EAGAIN) break;
        sched_yield();
    }
    return bound;
}

int kt_unix_is_served(const char *path) {
    struct sockaddr_un address;
    if (address_of(path, &address) < 0) return -1;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return -1;
    int result = connect(probe, (struct sockaddr *)&address, sizeof address);
    int reason = errno;
    close(probe);
    // EAGAIN: its queue is full, so somebody listens. EPROTOTYPE: somebody bound it with another type.
    if (result == 0 || reason == EAGAIN || reason == EPROTOTYPE) return 1;
    if (reason == ECONNREFUSED || reason == ENOENT) return 0;
    errno = reason;
    return -1;
}

int kt_is_loopback(int socket) {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
    socklen_t length = sizeof address;
    if (getsockname(socket, &address.any, &length) < 0) return -1;
    if (address.any.sa_family == AF_INET) return ntohl(address.four.sin_addr.s_addr) >> 24 == 127;
    return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.six.sin6_addr);
}

int kt_look_at(const char *path, uint64_t *device, uint64_t *inode, uint64_t *changed) {
    struct stat facts;
    if (lstat(path, &facts) < 0) return -1;
    *device = facts.st_dev;
    *inode = facts.st_ino;
    // An inode's number is used again soon; not within the same nanosecond.
    *changed = (uint64_t)facts.st_ctim.tv_sec * 1000000000u + (uint64_t)facts.st_ctim.tv_nsec;
    return S_ISSOCK(facts.st_mode);
}

int kt_is_file(int descriptor, const char *device_and_inode) {
    struct stat facts;
    unsigned long long device, inode;
    if (fstat(descriptor, &facts) < 0 || sscanf(device_and_inode, "%llu:%llu", &device, &inode) != 2) return 0;
    return facts.st_dev == device && facts.st_ino == inode;
}

size_t kt_user_name(uint32_t uid, char *name, size_t room) {
    char scratch[16384];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, scratch, sizeof scratch, &found) != 0 || !found) return 0;
    size_t length = strlen(entry.pw_name);
    if (length >= room) return 0;
    memcpy(name, entry.pw_name, length + 1);
    return length;
}

int kt_forbid_dumps(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) < 0) return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int64_t kt_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
    return (int64_t)limit.rlim_cur;
}

int64_t kt_open_files_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? -1 : (int64_t)limit.rlim_cur;
}

int64_t kt_locked_memory_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0) return 0;
    return limit.rlim_cur == RLIM_INFINITY ? -1 : (int64_t)limit.rlim_cur;
}

static int signal_pipe[2] = {-1, -1};

static void write_signal(int number) {
    int reason = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe has more signals in it than anybody needs.
    ssize_t ignored = write(signal_pipe[1], &byte, 1);
    (void)ignored;
    errno = reason;
}

int kt_watch_signals(void) {
    if (signal_pipe[0] >= 0) {
        errno = EALREADY;
        return -1;
    }
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
    struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    const int watched[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t index = 0; index < sizeof watched / sizeof *watched; index++)
        if (sigaction(watched[index], &action, NULL) < 0) return -1;
    return signal_pipe[0];
}

void kt_trim_heap(void) { malloc_trim(0); }

int64_t kt_wall_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t kt_monotonic_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t kt_uptime_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
