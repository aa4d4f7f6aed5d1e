// Wipes heap memory before it goes back to the allocator, so that copies made by libraries
// (JSON, HTTP and TLS buffers) do not outlive their use. See docs/secrets-in-memory.md.
#define _GNU_SOURCE
#include "CWipe.h"

void keyturn_wipe_freed_memory(void) {}

// A sanitizer has an allocator of its own, which this would call before it is there.
#if !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// glibc's own entry points, exported for exactly this kind of wrapper.
extern void __libc_free(void *);
extern void *__libc_realloc(void *, size_t);

// malloc(3) in glibc keeps the chunk's size word just below the pointer; bit 1 (IS_MMAPPED) marks a
// chunk that free() hands back to the kernel, whose pages are gone with it and need no wiping.
static int is_mapped(const void *pointer) {
    return (((const size_t *)pointer)[-1] & 2) != 0;
}

static void wipe(void *pointer) {
    if (!is_mapped(pointer)) explicit_bzero(pointer, malloc_usable_size(pointer));
}

void free(void *pointer) {
    if (pointer == NULL) return;
    wipe(pointer);
    __libc_free(pointer);
}

void *realloc(void *pointer, size_t size) {
    if (pointer == NULL) return malloc(size);
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    if (is_mapped(pointer)) return __libc_realloc(pointer, size);  // mremap moves pages, it leaves no copy
    size_t usable = malloc_usable_size(pointer);
    if (size <= usable && size >= usable / 2) return pointer;
    void *moved = malloc(size);
    if (moved == NULL) return NULL;
    memcpy(moved, pointer, size < usable ? size : usable);
    free(pointer);
    return moved;
}

#endif
