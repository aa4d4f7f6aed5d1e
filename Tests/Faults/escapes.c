// What a daemon that somebody else has got hold of would try: FAULTS_ESCAPES.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, int reason) {
    dprintf(STDERR_FILENO, "escape, %s: %s\n", what, reason ? strerror(reason) : "done");
}

static int reason_of(long result) { return result < 0 ? errno : 0; }

// What an exec in a child of its own failed with. The end of the pipe closes where it does not.
static int exec_in_child(const char *path) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        // Without LD_PRELOAD, which would try it all again.
        execve(path, (char *[]){"true", NULL}, (char *[]){NULL});
        int reason = errno;
        _exit(write(ends[1], &reason, sizeof reason) != sizeof reason);
    }
    close(ends[1]);
    int reason = 0;
    if (read(ends[0], &reason, sizeof reason) < 0) reason = errno;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return reason;
}

// A program that lies in memory alone, so that no folder's mount keeps it from starting.
static int exec_from_memory(void) {
    int file = memfd_create("true", 0), source = open("/bin/true", O_RDONLY | O_CLOEXEC);
    if (file < 0 || source < 0) return errno;
    char block[65536], path[64];
    ssize_t count;
    while ((count = read(source, block, sizeof block)) > 0)
        if (write(file, block, (size_t)count) != count) return errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int reason = exec_in_child(path);
    close(source);
    close(file);
    return reason;
}

static int trace_child(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    int reason = reason_of(ptrace(PTRACE_SEIZE, child, NULL, NULL));
    close(ends[0]);
    close(ends[1]);
    waitpid(child, NULL, 0);
    return reason;
}

static int write_and_execute(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

static int write_then_execute(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : reason_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

__attribute__((constructor)) static void try_all(void) {
    if (!getenv("FAULTS_ESCAPES")) return;
    tell("exec of a program", exec_in_child("/bin/true"));
    tell("memfd_create", reason_of(memfd_create("nothing", MFD_CLOEXEC)));
    tell("exec from memory", exec_from_memory());
    tell("ptrace", trace_child());
    tell("memory to write and execute", write_and_execute());
    tell("memory to write, then to execute", write_then_execute());
    tell("socket(AF_NETLINK)", reason_of(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)));
}
