// Dispatch gives its threads nice values, some below 0, which takes a right that users don't have, and
// complains in the journal of each thread that it can't. Its manager thread is one of them in every
// process, whatever priority the work has, so no choice of ours avoids it: it is told that it did, as
// the units' system call filters tell it.
#define _GNU_SOURCE
#include "CPriority.h"

#include <sys/resource.h>

void keyturn_keep_priority(void) {}

int setpriority(__priority_which_t which, id_t who, int value) {
    (void)which, (void)who, (void)value;
    return 0;
}
