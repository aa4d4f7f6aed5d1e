// Each entry is, in the machine's byte order: operation (uint32), length of the path (uint32), offset (uint64), size of the data (uint64),
// the path, the data.
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int journal = -1;

// Raw system calls: those of the C library are hooked here.
__attribute__((constructor)) static void open_journal(void) {
    const char *path = getenv("FAULTS_LOG");
    if (!path) return;
    journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) abort();
}

void journal_add(enum operation operation, const char *path, uint64_t offset, const void *data, size_t size) {
    // What happens to a file without a name leaves nothing behind.
    if (journal < 0 || (operation != OP_FAULT && path[strlen(path) - 1] == '/')) return;
    int reason = errno;
    struct {
        uint32_t operation, path_length;
        uint64_t offset, size;
    } head = {operation, (uint32_t)strlen(path), offset, size};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path_length}, {(void *)data, size}};
    // One call, so that an entry is whole or not there at all. An oracle that misses something proves nothing.
    if (syscall(SYS_writev, journal, parts, 3) != (long)(sizeof head + head.path_length + size)) abort();
    errno = reason;
}
