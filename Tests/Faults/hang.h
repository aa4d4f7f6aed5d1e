// Calls that take their time or never return: FAULTS_HANG.
#ifndef HANG_H
#define HANG_H

// Returns when no sync is to hang.
void hang_in_sync(void);

#endif
