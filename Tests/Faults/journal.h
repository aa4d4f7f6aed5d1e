// What was done to the files: FAULTS_LOG.
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>
#include <stdint.h>

enum operation {
    OP_WRITE = 1,        // offset; data: the bytes
    OP_TRUNCATE = 2,     // offset: the new length
    OP_SYNC = 3,         // the file's bytes are on the disk
    OP_RENAME = 4,       // data: the new path
    OP_CREATE = 5,       // an empty file came to be
    OP_REMOVE = 6,       // a file or an empty folder went
    OP_MAKE_FOLDER = 7,
    OP_SYNC_FOLDER = 8,  // the folder's names are on the disk
    OP_EXTEND = 9,       // offset: the length that it has at least
    OP_MARK = 10,        // data: a test's own words; never written here
    OP_LINK = 12,        // data: the second path of the same file
    OP_FAULT = 11,       // offset: the number of the call's class; the call was not made
};

void journal_add(enum operation operation, const char *path, uint64_t offset, const void *data, size_t size);

#endif
