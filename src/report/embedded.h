/* Data files compiled in, each with a NUL behind; see scripts/cmake/NmEmbed.cmake. */
#ifndef NM_REPORT_EMBEDDED_H
#define NM_REPORT_EMBEDDED_H

#include <stddef.h>

struct nm_embedded {
    const char *name;
    const char *bytes;
    size_t length;
};

/* The style of the page; ends with a row whose name is NULL. */
extern const struct nm_embedded nm_report_embedded[];

#endif
