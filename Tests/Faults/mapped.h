// What a test can change while the program runs.
#ifndef MAPPED_H
#define MAPPED_H

#include <stddef.h>

// The first bytes of the file that an environment variable names; NULL where there is no such variable.
const volatile void *mapped_file(const char *variable, size_t size);

#endif
