/* An open-addressed table of hashes, a power of two of places, at most half full. */
#include "state/contacts.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 1024 };

struct nm_contacts {
    uint64_t *places; /* 0: empty */
    size_t mask;
    size_t count;
    unsigned char key[crypto_shorthash_KEYBYTES];
};

enum nm_code nm_contacts_new(struct nm_contacts **out)
{
    struct nm_contacts *contacts = calloc(1, sizeof *contacts);

    if (contacts == NULL)
        return NM_NO_MEMORY;
    contacts->mask = FIRST_PLACES - 1;
    contacts->places = calloc(FIRST_PLACES, sizeof *contacts->places);
    if (contacts->places == NULL) {
        free(contacts);
        return NM_NO_MEMORY;
    }
    crypto_shorthash_keygen(contacts->key);
    *out = contacts;
    return NM_OK;
}

void nm_contacts_free(struct nm_contacts **contacts)
{
    if (*contacts == NULL)
        return;
    free((*contacts)->places);
    free(*contacts);
    *contacts = NULL;
}

static uint64_t hash(
    const struct nm_contacts *contacts, const char *domain, size_t length)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t value;

    (void)crypto_shorthash(bytes, (const unsigned char *)domain, length, contacts->key);
    memcpy(&value, bytes, sizeof value);
    return value != 0 ? value : 1;
}

/* Where `value` is, or belongs. */
static size_t find(const uint64_t *places, size_t mask, uint64_t value)
{
    size_t at = value & mask;

    while (places[at] != 0 && places[at] != value)
        at = (at + 1) & mask;
    return at;
}

static bool grow(struct nm_contacts *contacts)
{
    const size_t mask = 2 * contacts->mask + 1;
    uint64_t *places = calloc(mask + 1, sizeof *places);

    if (places == NULL)
        return false;
    for (size_t i = 0; i <= contacts->mask; i++)
        if (contacts->places[i] != 0)
            places[find(places, mask, contacts->places[i])] = contacts->places[i];
    free(contacts->places);
    contacts->places = places;
    contacts->mask = mask;
    return true;
}

enum nm_code nm_contacts_add(
    struct nm_contacts *contacts, const char *domain, size_t length, bool *is_new)
{
    const uint64_t value = hash(contacts, domain, length);
    size_t at = find(contacts->places, contacts->mask, value);

    if (is_new != NULL)
        *is_new = contacts->places[at] == 0;
    if (contacts->places[at] != 0)
        return NM_OK;
    if (contacts->count == NM_CONTACTS_MAX)
        return NM_LIMIT;
    if (2 * (contacts->count + 1) > contacts->mask) {
        if (!grow(contacts))
            return NM_NO_MEMORY;
        at = find(contacts->places, contacts->mask, value);
    }
    contacts->places[at] = value;
    contacts->count++;
    return NM_OK;
}

bool nm_contacts_has(
    const struct nm_contacts *contacts, const char *domain, size_t length)
{
    const uint64_t value = hash(contacts, domain, length);

    return contacts->places[find(contacts->places, contacts->mask, value)] != 0;
}

size_t nm_contacts_size(const struct nm_contacts *contacts)
{
    return contacts->count;
}
