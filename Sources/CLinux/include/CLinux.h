// What Swift can't call by itself: option numbers newer than the C library, variadic calls, and structures behind feature macros.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Each returns 0 (or what its comment says), or -1 with errno set.

// SO_PEERCRED: who connected, as of connect().
int kt_peer_credentials(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid);
// SO_PEERGROUPS. `*count` is the room on the way in and the number of groups on the way out, also with ERANGE.
int kt_peer_groups(int socket, uint32_t *groups, size_t *count);
// SO_PEERPIDFD (Linux 6.5): a new pidfd, close-on-exec.
int kt_peer_pidfd(int socket);
// 1 while the process of a pidfd runs, 0 once it ended.
int kt_pidfd_is_running(int pidfd);

// A listening stream socket: whoever connects waits to be served. Group and mode are right before anyone gets in.
// `mode` comes from the umask, `gid` is left alone when it is -1. The socket is non-blocking and close-on-exec. Returns the descriptor.
int kt_listen_unix(const char *path, mode_t mode, int64_t gid);
// 1 if somebody listens there, 0 if nobody does.
int kt_unix_is_served(const char *path);
// 1 if a socket is bound to a loopback address of its machine, 0 for any other.
int kt_is_loopback(int socket);
// What lies at a path, links not followed: three numbers that together tell this file from any successor. 1 for a socket, 0 for anything else.
int kt_look_at(const char *path, uint64_t *device, uint64_t *inode, uint64_t *changed);
// 1 if a descriptor is the file that `DEVICE:INODE` in decimal names, as $JOURNAL_STREAM does.
int kt_is_file(int descriptor, const char *device_and_inode);
// The name of a user into `name`; 0 if there is none, else its length.
size_t kt_user_name(uint32_t uid, char *name, size_t room);

// No core dump of this process, and no ptrace nor /proc/PID/mem for others of the same user.
int kt_forbid_dumps(void);
// RLIMIT_NOFILE up to its hard limit, which comes back, or -1.
int64_t kt_raise_open_files(void);
// RLIMIT_NOFILE's soft limit.
int64_t kt_open_files_limit(void);
// RLIMIT_MEMLOCK's soft limit in bytes; -1 is no limit.
int64_t kt_locked_memory_limit(void);
// From now on SIGTERM, SIGINT and SIGHUP don't end the process: each writes its number as a byte. Returns the descriptor to read, or -1.
// To be called once.
int kt_watch_signals(void);
// Gives what is free in the heap back to the kernel.
void kt_trim_heap(void);
// The wall clock in milliseconds since 1970.
int64_t kt_wall_milliseconds(void);
// CLOCK_MONOTONIC in microseconds.
int64_t kt_monotonic_microseconds(void);
// CLOCK_BOOTTIME in nanoseconds: goes on while the machine sleeps.
int64_t kt_uptime_nanoseconds(void);
