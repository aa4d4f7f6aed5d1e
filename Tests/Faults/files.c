// The hooks on calls that change files: judge, do, record, in that order and under one lock.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hang.h"
#include "journal.h"
#include "rules.h"
#include "watched.h"

// The call is not made: -1 with errno set, and an entry in the log.
static int refused(enum call_class class, const char *path) {
    int error = rules_judge(class);
    if (!error) return 0;
    journal_add(OP_FAULT, path, class, NULL, 0);
    if (error == RULES_KILL) raise(SIGKILL);
    errno = error;
    return 1;
}

// Ends a hook: nothing between the call and the unlock may change errno for the program.
static long finished(long result) {
    int reason = errno;
    watched_unlock();
    errno = reason;
    return result;
}

// MARK: Opening and closing

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char room[PATH_ROOM];
    const char *meant = watched_path(folder, path, room);
    if (!meant) {
        int descriptor = (int)syscall(SYS_openat, folder, path, flags, mode);
        unwatch(descriptor);
        return descriptor;
    }
    watched_lock();
    if (refused(CALL_OPEN, meant)) return (int)finished(-1);
    if ((flags & __O_TMPFILE) == __O_TMPFILE) {
        int descriptor = (int)syscall(SYS_openat, folder, path, flags, mode);
        if (descriptor >= 0) {
            char nameless[PATH_ROOM + 1];
            snprintf(nameless, sizeof nameless, "%s/", meant);
            watch(descriptor, nameless);
        }
        return (int)finished(descriptor);
    }
    struct stat before;
    int existed = stat(meant, &before) == 0;
    int descriptor = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (descriptor >= 0) {
        if (!existed) journal_add(OP_CREATE, meant, 0, NULL, 0);
        if (existed && flags & O_TRUNC && before.st_size > 0) journal_add(OP_TRUNCATE, meant, 0, NULL, 0);
        watch(descriptor, meant);
    }
    return (int)finished(descriptor);
}

static mode_t mode_of(int flags, va_list arguments) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0; }

#define OPEN(name)                                     \
    int name(const char *path, int flags, ...) {       \
        va_list arguments;                             \
        va_start(arguments, flags);                    \
        mode_t mode = mode_of(flags, arguments);       \
        va_end(arguments);                             \
        return open_at(AT_FDCWD, path, flags, mode);   \
    }
#define OPEN_AT(name)                                          \
    int name(int folder, const char *path, int flags, ...) {   \
        va_list arguments;                                     \
        va_start(arguments, flags);                            \
        mode_t mode = mode_of(flags, arguments);               \
        va_end(arguments);                                     \
        return open_at(folder, path, flags, mode);             \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPEN_AT(openat)
OPEN_AT(openat64)

int close(int descriptor) {
    unwatch(descriptor);
    return (int)syscall(SYS_close, descriptor);
}

// MARK: Bytes

static ssize_t write_at(int descriptor, const struct iovec *parts, int count, off_t offset) {
    const char *path = watched_file(descriptor);
    if (!path) {
        if (offset >= 0) return syscall(SYS_pwritev, descriptor, parts, count, (long)offset, 0L);
        return count == 1 ? syscall(SYS_write, descriptor, parts->iov_base, parts->iov_len)
                          : syscall(SYS_writev, descriptor, parts, count);
    }
    watched_lock();
    if (refused(CALL_WRITE, path)) return finished(-1);
    struct stat facts;
    off_t start = offset;
    if (offset < 0 && fstat(descriptor, &facts) == 0)
        start = fcntl(descriptor, F_GETFL) & O_APPEND ? facts.st_size : lseek(descriptor, 0, SEEK_CUR);
    ssize_t written = offset >= 0 ? syscall(SYS_pwritev, descriptor, parts, count, (long)offset, 0L)
                                  : syscall(SYS_writev, descriptor, parts, count);
    ssize_t rest = written;
    for (int index = 0; index < count && rest > 0; index++) {
        size_t size = (size_t)rest < parts[index].iov_len ? (size_t)rest : parts[index].iov_len;
        journal_add(OP_WRITE, path, (uint64_t)start, parts[index].iov_base, size);
        start += (off_t)size;
        rest -= (ssize_t)size;
    }
    return finished(written);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    return write_at(descriptor, &(struct iovec){(void *)bytes, size}, 1, -1);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return write_at(descriptor, &(struct iovec){(void *)bytes, size}, 1, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) { return pwrite(descriptor, bytes, size, offset); }
ssize_t writev(int descriptor, const struct iovec *parts, int count) { return write_at(descriptor, parts, count, -1); }
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) { return write_at(descriptor, parts, count, offset); }
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset) {
    return write_at(descriptor, parts, count, offset);
}

static int change_length(int descriptor, long call, enum operation operation, off_t offset, off_t size) {
    const char *path = watched_file(descriptor);
    if (!path)
        return (int)(call == SYS_ftruncate ? syscall(call, descriptor, (long)size) : syscall(call, descriptor, 0, (long)offset, (long)size));
    watched_lock();
    if (refused(CALL_WRITE, path)) return (int)finished(-1);
    long result = call == SYS_ftruncate ? syscall(call, descriptor, (long)size) : syscall(call, descriptor, 0, (long)offset, (long)size);
    if (result == 0) journal_add(operation, path, (uint64_t)(offset + size), NULL, 0);
    return (int)finished(result);
}

int ftruncate(int descriptor, off_t size) { return change_length(descriptor, SYS_ftruncate, OP_TRUNCATE, 0, size); }
int ftruncate64(int descriptor, off64_t size) { return ftruncate(descriptor, size); }
int posix_fallocate(int descriptor, off_t offset, off_t size) {
    return change_length(descriptor, SYS_fallocate, OP_EXTEND, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int descriptor, off64_t offset, off64_t size) { return posix_fallocate(descriptor, offset, size); }

// MARK: Syncing

static int sync_file(int descriptor, long call) {
    const char *path = watched_file(descriptor);
    if (!path) return (int)syscall(call, descriptor);
    hang_in_sync();
    watched_lock();
    if (refused(CALL_SYNC, path)) return (int)finished(-1);
    long result = syscall(call, descriptor);
    struct stat facts;
    if (result == 0 && fstat(descriptor, &facts) == 0)
        journal_add(S_ISDIR(facts.st_mode) ? OP_SYNC_FOLDER : OP_SYNC, path, 0, NULL, 0);
    return (int)finished(result);
}

int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

// MARK: Names

static int rename_at(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char from_room[PATH_ROOM], to_room[PATH_ROOM];
    const char *source = watched_path(from_folder, from, from_room);
    const char *target = watched_path(to_folder, to, to_room);
    if (!source || !target) return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    watched_lock();
    if (refused(CALL_RENAME, source)) return (int)finished(-1);
    long result = syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (result == 0) {
        journal_add(OP_RENAME, source, 0, target, strlen(target));
        watched_moved(target, NULL);
        watched_moved(source, target);
    }
    return (int)finished(result);
}

int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) { return rename_at(from_folder, from, to_folder, to, 0); }
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return rename_at(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) {
    char from_room[PATH_ROOM], to_room[PATH_ROOM];
    const char *source = watched_path(AT_FDCWD, from, from_room);
    const char *target = watched_path(AT_FDCWD, to, to_room);
    if (!source || !target) return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    watched_lock();
    if (refused(CALL_RENAME, source)) return (int)finished(-1);
    long result = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (result == 0) journal_add(OP_LINK, source, 0, target, strlen(target));
    return (int)finished(result);
}

static int remove_at(int folder, const char *path, int flags) {
    char room[PATH_ROOM];
    const char *meant = watched_path(folder, path, room);
    if (!meant) return (int)syscall(SYS_unlinkat, folder, path, flags);
    watched_lock();
    if (refused(CALL_RENAME, meant)) return (int)finished(-1);
    long result = syscall(SYS_unlinkat, folder, path, flags);
    if (result == 0) {
        journal_add(OP_REMOVE, meant, 0, NULL, 0);
        watched_moved(meant, NULL);
    }
    return (int)finished(result);
}

int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return remove_at(folder, path, flags); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char room[PATH_ROOM];
    const char *meant = watched_path(AT_FDCWD, path, room);
    if (!meant) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    watched_lock();
    if (refused(CALL_RENAME, meant)) return (int)finished(-1);
    long result = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (result == 0) journal_add(OP_MAKE_FOLDER, meant, 0, NULL, 0);
    return (int)finished(result);
}
