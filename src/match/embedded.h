/* Data files compiled in; see scripts/cmake/NmEmbed.cmake. */
#ifndef NM_MATCH_EMBEDDED_H
#define NM_MATCH_EMBEDDED_H

#include <stddef.h>

struct nm_embedded {
    const char *name;
    const char *bytes;
    size_t length;
};

/* Ends with a row whose name is NULL. */
extern const struct nm_embedded nm_embedded[];

#endif
