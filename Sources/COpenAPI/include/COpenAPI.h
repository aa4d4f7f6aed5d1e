#pragma once
#include <stddef.h>

/// docs/openapi.yaml as it was when this was built; not null-terminated.
const unsigned char *keyturn_openapi_address(void);
extern const size_t keyturn_openapi_size;
