/* Data files compiled in, each with a NUL behind; see scripts/cmake/NmEmbed.cmake. */
#ifndef NM_NOTICE_EMBEDDED_H
#define NM_NOTICE_EMBEDDED_H

#include <stddef.h>

struct nm_embedded {
    const char *name;
    const char *bytes;
    size_t length;
};

/* The migrations; ends with a row whose name is NULL. */
extern const struct nm_embedded nm_notice_embedded[];

#endif
