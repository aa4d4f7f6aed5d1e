// Which files are meant, and which descriptors lead to them: FAULTS_PREFIX.
#ifndef WATCHED_H
#define WATCHED_H

#include <stddef.h>

// Room for an absolute path.
enum { PATH_ROOM = 4096 };

// The absolute form of a path, if it is meant; else NULL.
const char *watched_path(int folder, const char *path, char room[PATH_ROOM]);

// The path behind a descriptor, as it is called now; NULL for any other.
const char *watched_file(int descriptor);

void watch(int descriptor, const char *path);
void unwatch(int descriptor);

// A file, or a folder with what is in it, is called otherwise now; NULL: it has no name any more.
void watched_moved(const char *from, const char *to);

// One change at a time, so that the log has them in the order in which they happened.
void watched_lock(void);
void watched_unlock(void);

#endif
