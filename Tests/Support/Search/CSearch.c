#define _GNU_SOURCE
#include "CSearch.h"

#include <string.h>

const void *first_place(const void *bytes, size_t length, const void *sought, size_t sought_length) {
    return memmem(bytes, length, sought, sought_length);
}
