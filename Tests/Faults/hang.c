// Calls that take their time or never return: FAULTS_HANG.
#define _GNU_SOURCE
#include "hang.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mapped.h"

static const volatile char *what;

__attribute__((constructor)) static void map_what(void) { what = mapped_file("FAULTS_HANG", 1); }

// For good, but for a file that says otherwise by then.
static void hang_while(char kind) {
    while (what && *what == kind) nanosleep(&(struct timespec){0, 10000000}, NULL);
}

void hang_in_sync(void) { hang_while('s'); }

// Those of `MultiThreadedEventLoopGroup` as SocketServer makes it; the shared ones for requests that go out are called otherwise.
static int is_event_loop(void) {
    char name[16] = "";
    return pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strncmp(name, "NIO-ELT-", 8) == 0;
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout) {
    int count = (int)syscall(SYS_epoll_pwait, epoll, events, room, timeout, NULL, 8);
    if (what && *what && is_event_loop()) {
        int reason = errno;
        hang_while('l');
        if (*what == 'b') nanosleep(&(struct timespec){0, 200000000}, NULL);
        errno = reason;
    }
    return count;
}
