// Allocations that fail. `free` and `realloc` belong to the program.
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

#include "journal.h"
#include "rules.h"

// glibc's own entry points.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_memalign(size_t, size_t);

static int fails(void) {
    int error = rules_judge(CALL_MALLOC);
    if (error) {
        journal_add(OP_FAULT, "malloc", CALL_MALLOC, NULL, 0);
        errno = error;
    }
    return error;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }

void *memalign(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **pointer, size_t alignment, size_t size) {
    void *made = memalign(alignment, size);
    if (!made) return ENOMEM;
    *pointer = made;
    return 0;
}
