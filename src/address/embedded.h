/* Data files compiled in, each with a NUL behind; see scripts/cmake/NmEmbed.cmake. */
#ifndef NM_ADDRESS_EMBEDDED_H
#define NM_ADDRESS_EMBEDDED_H

#include <stddef.h>

struct nm_embedded {
    const char *name;
    const char *bytes;
    size_t length;
};

/* The public suffix list, or nothing; ends with a row whose name is NULL. */
extern const struct nm_embedded nm_address_embedded[];

#endif
