/*
 * Contacts: a set of domains in memory, by keyed hashes (SipHash-2-4, 64 bits): 16 to 32
 * bytes a name. With a million names a name that is not in it is taken for one that is
 * once in 10^13; nobody outside knows the key. One thread at a time.
 */
#ifndef NM_STATE_CONTACTS_H
#define NM_STATE_CONTACTS_H

#include <nearmiss/base.h>

enum { NM_CONTACTS_MAX = 4 * 1024 * 1024 };

struct nm_contacts;

enum nm_code nm_contacts_new(struct nm_contacts **out);
void nm_contacts_free(struct nm_contacts **contacts);

/* NM_NO_MEMORY; NM_LIMIT at NM_CONTACTS_MAX. `*is_new` (or NULL): it was not there. */
enum nm_code nm_contacts_add(
    struct nm_contacts *contacts, const char *domain, size_t length, bool *is_new);
bool nm_contacts_has(
    const struct nm_contacts *contacts, const char *domain, size_t length);
size_t nm_contacts_size(const struct nm_contacts *contacts);

#endif
