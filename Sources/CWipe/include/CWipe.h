#pragma once

/// Linking this target is all there is to do: it replaces `free` and `realloc` by ones that wipe first.
/// A call of this keeps the linker from leaving the object file out of a static link.
void keyturn_wipe_freed_memory(void);
