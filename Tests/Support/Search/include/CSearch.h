#pragma once

#include <stddef.h>

/// memmem(3), which Swift's Glibc module leaves out since it is GNU's own. Unlike what Swift has for it, it is quick in a debug build as well.
const void *first_place(const void *bytes, size_t length, const void *sought, size_t sought_length);
