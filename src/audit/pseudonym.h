/*
 * Pseudonyms: what the log keeps of an address whose local part it is not to keep. The
 * domain stays; the local part is replaced by `~`, and if it is to group and to be found,
 * 80 bits of a keyed hash over the address in lower case: `~b5o2k7y3xq4z6w8v@example.org`.
 * The key is a file of its own, so that it can be shown to those who search, and to nobody
 * else: with it, an address can be tried.
 */
#ifndef NM_AUDIT_PSEUDONYM_H
#define NM_AUDIT_PSEUDONYM_H

#include "audit/audit.h"

enum { NM_PSEUDONYM_MAX = 1024 }; /* bytes; what is longer is cut */

struct nm_pseudonyms;

/* Read the key; with `make`, make one where there is none. NM_SYSTEM, NM_BAD_INPUT,
 * NM_NO_MEMORY. */
enum nm_code nm_pseudonyms_open(
    const char *path, bool make, struct nm_pseudonyms **out, struct nm_error *error);
void nm_pseudonyms_close(struct nm_pseudonyms **pseudonyms);

/* The address as it is kept; `out` holds it where it is not the address itself. Without
 * pseudonyms (NULL) nothing of a local part that is to be keyed is kept. */
struct nm_bytes nm_pseudonym(const struct nm_pseudonyms *pseudonyms,
    enum nm_audit_local_part kept, struct nm_bytes address, char out[NM_PSEUDONYM_MAX]);

/* A text that people wrote, with each address in it as it is kept. The text itself where it
 * holds none; else `out`. */
const char *nm_pseudonyms_in(const struct nm_pseudonyms *pseudonyms,
    enum nm_audit_local_part kept, const char *text, char *out, size_t size);

/* Whether an address stands in a text, as a whole; ASCII case is ignored. */
bool nm_text_has_address(struct nm_bytes text, struct nm_bytes address);

#endif
