#pragma once

/// Linking this target is all there is to do: it replaces `setpriority` by one that leaves every thread as it is.
/// A call of this keeps the linker from leaving the object file out of a static link.
void keyturn_keep_priority(void);
