// For the thread sanitizer: two things that order memory lie in Swift's libraries, which were built without it, so that what they order would look
// like a race. A mutex is seen only where it is taken at once; and a continuation that was resumed before it is awaited is not seen at all. Preloaded
// by .ci/sanitize, this tells of both.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

// Synchronization._MutexHandle, as it is mangled.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*locking)(uint32_t, SELF void *);
typedef SWIFT void (*unlocking)(SELF void *);

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    static locking real;
    if (!real) real = (locking)dlsym(RTLD_NEXT, LOCK);
    real(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock_slow(SELF void *mutex) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF void *mutex) {
    static unlocking real;
    if (!real) real = (unlocking)dlsym(RTLD_NEXT, UNLOCK);
    if (__tsan_release) __tsan_release(mutex);
    real(mutex);
}

typedef SWIFT void (*deallocating)(void *);

extern SWIFT void *swift_task_getCurrent(void) __attribute__((weak));

// Called after each call that was awaited. Whoever resumed the task has released it by then, in the runtime's own words.
SWIFT void swift_task_dealloc(void *memory) {
    static deallocating real;
    if (!real) real = (deallocating)dlsym(RTLD_NEXT, "swift_task_dealloc");
    real(memory);
    if (__tsan_acquire && swift_task_getCurrent) __tsan_acquire(swift_task_getCurrent());
}
