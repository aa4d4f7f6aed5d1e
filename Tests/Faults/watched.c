#define _GNU_SOURCE
#include "watched.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 4096 };

static const char *prefix;
static char *_Atomic files[DESCRIPTORS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void read_prefix(void) { prefix = getenv("FAULTS_PREFIX"); }

void watched_lock(void) { pthread_mutex_lock(&lock); }
void watched_unlock(void) { pthread_mutex_unlock(&lock); }

const char *watched_path(int folder, const char *path, char room[PATH_ROOM]) {
    if (!prefix || !path) return NULL;
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            if (!getcwd(room, PATH_ROOM)) return NULL;
        } else {
            const char *base = watched_file(folder);
            if (!base) return NULL;
            snprintf(room, PATH_ROOM, "%s", base);
        }
        size_t length = strlen(room);
        if ((size_t)snprintf(room + length, PATH_ROOM - length, "/%s", path) >= PATH_ROOM - length) return NULL;
        path = room;
    }
    return strncmp(path, prefix, strlen(prefix)) == 0 ? path : NULL;
}

const char *watched_file(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS_MAX ? files[descriptor] : NULL;
}

// The copies are few and live as long as the process: `free` is the program's own.
void watch(int descriptor, const char *path) {
    if (descriptor < 0) return;
    if (descriptor >= DESCRIPTORS_MAX) abort();
    files[descriptor] = strdup(path);
}

void unwatch(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS_MAX) files[descriptor] = NULL;
}

void watched_moved(const char *from, const char *to) {
    size_t length = strlen(from);
    for (int descriptor = 0; descriptor < DESCRIPTORS_MAX; descriptor++) {
        const char *path = files[descriptor];
        if (!path || strncmp(path, from, length) != 0 || (path[length] != 0 && path[length] != '/')) continue;
        if (!to) {
            files[descriptor] = NULL;
            continue;
        }
        char moved[PATH_ROOM];
        snprintf(moved, sizeof moved, "%s%s", to, path + length);
        files[descriptor] = strdup(moved);
    }
}
