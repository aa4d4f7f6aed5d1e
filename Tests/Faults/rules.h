// Which calls fail: FAULTS_FAIL.
#ifndef RULES_H
#define RULES_H

enum call_class { CALL_WRITE, CALL_SYNC, CALL_RENAME, CALL_OPEN, CALL_MALLOC, CALL_CLASSES };

// In place of an error: the process is to die before the call.
enum { RULES_KILL = -1 };

// Counts a call; the error that it fails with, or 0.
int rules_judge(enum call_class class);

// Whether anything of a class may fail.
int rules_has(enum call_class class);

#endif
