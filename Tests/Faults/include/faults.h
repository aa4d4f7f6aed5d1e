// A library to be loaded before a program's own (LD_PRELOAD), which records what the program does to some files and lets calls fail.
// It is for tests alone; nothing of the product links it.
//
// FAULTS_PREFIX   The files meant: absolute paths that begin with this. Nothing else is recorded or fails.
// FAULTS_LOG      A file to which each change of those files is appended, in the order in which the kernel made them. It may be shared by
//                 several processes, one at a time. See journal.c for its format.
// FAULTS_FAIL     CLASS:N:ERRNO[,...]: the Nth call of a class in this process, from 1, is not made and fails with ERRNO. N+ means that one
//                 and all that follow. ERRNO is EIO, ENOSPC, EDQUOT, EMFILE or ENOMEM, or KILL: the process dies before
//                 the call. The classes are
//                   write   write, pwrite, writev, pwritev, ftruncate, truncate, fallocate and their like
//                   sync    fsync, fdatasync
//                   rename  rename, link, unlink, mkdir, rmdir
//                   open    open, openat
//                   malloc  malloc, calloc and aligned ones, of the whole program (realloc is malloc for a program that links CWipe)
// FAULTS_ARMED    A file of one byte: while it is 0, no call is counted, and none fails. It is mapped, so that a change counts at once.
// FAULTS_CLOCK    A file of 8 bytes: a signed number of nanoseconds, in the machine's byte order, by which CLOCK_REALTIME is shifted. It is
//                 mapped, so that a change counts at once.
// FAULTS_HANG     A file of one byte, mapped, so that a change counts at once. While it is
//                   l   the event loops that serve callers stand still
//                   b   each of their rounds takes 200 ms longer
//                   s   a sync of the files meant does not return
// FAULTS_ESCAPES  When it is set, the process tries before its main what its sandbox should refuse, and tells of each on standard error:
//                 "escape, WHAT: " and "done" or the reason.
#ifndef FAULTS_H
#define FAULTS_H

#endif
