#include "COpenAPI.h"

#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char text[] = {
#embed "../../docs/openapi.yaml"
};
const size_t keyturn_openapi_size = sizeof text;

const unsigned char *keyturn_openapi_address(void) { return text; }
