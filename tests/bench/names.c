#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) % bound);
}

/* ---- storage ------------------------------------------------------------ */

bool names_add(struct names *names, const char *text)
{
    const size_t length = strlen(text) + 1;

    if (names->bytes + length > names->capacity) {
        const size_t grown = 2 * names->capacity + 4096;
        char *moved = grown <= UINT32_MAX ? realloc(names->text, grown) : NULL;

        if (moved == NULL)
            return false;
        names->text = moved;
        names->capacity = grown;
    }
    if (names->count == names->room) {
        const size_t grown = 2 * names->room + 256;
        uint32_t *moved = realloc(names->at, grown * sizeof *moved);

        if (moved == NULL)
            return false;
        names->at = moved;
        names->room = grown;
    }
    memcpy(names->text + names->bytes, text, length);
    names->at[names->count++] = (uint32_t)names->bytes;
    names->bytes += length;
    return true;
}

const char *names_get(const struct names *names, size_t i)
{
    return names->text + names->at[i];
}

void names_free(struct names *names)
{
    free(names->text);
    free(names->at);
    memset(names, 0, sizeof *names);
}

bool names_read(struct names *names, const char *path, size_t most)
{
    FILE *file = fopen(path, "re");
    char line[NAME_MAX_BYTES + 32];
    bool fine = true;

    if (file == NULL)
        return false;
    while (fine && names->count < most && fgets(line, sizeof line, file) != NULL) {
        const char *comma = strchr(line, ',');

        line[strcspn(line, "\r\n")] = '\0';
        fine = names_add(names, comma != NULL ? comma + 1 : line);
    }
    if (ferror(file))
        fine = false;
    (void)fclose(file);
    if (fine && names->count == 0) {
        errno = EINVAL;
        fine = false;
    }
    return fine;
}

/* ---- a set, to make none twice ------------------------------------------ */

struct set {
    const struct names *names;
    uint32_t *slots; /* a name's number and one, or 0 */
    size_t mask;
};

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash ^ (hash >> 32);
}

static bool set_new(struct set *set, size_t count)
{
    size_t slots = 16;

    while (slots < 2 * count)
        slots *= 2;
    set->slots = calloc(slots, sizeof *set->slots);
    set->mask = slots - 1;
    return set->slots != NULL;
}

/* Where `text` stands in it, or would. */
static uint32_t *set_slot(const struct set *set, const char *text)
{
    size_t slot = hash_of(text) & set->mask;

    while (set->slots[slot] != 0 &&
           strcmp(names_get(set->names, set->slots[slot] - 1), text) != 0)
        slot = (slot + 1) & set->mask;
    return &set->slots[slot];
}

/* ---- inventing ---------------------------------------------------------- */

static void invent_word(uint64_t *state, size_t syllables, char *out)
{
    static const char *const onsets[] = {"b", "c", "d", "f", "g", "h", "k", "l", "m",
        "n", "p", "r", "s", "t", "v", "w", "br", "ch", "cl", "dr", "fl", "gr", "pl",
        "sh", "st", "th", "tr", ""};
    static const char *const cores[] = {
        "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ee", "oo", "ou"};
    static const char *const codas[] = {
        "", "", "", "", "l", "n", "r", "s", "t", "m", "ck", "nd", "ng", "rt", "x"};

    for (size_t i = 0; i < syllables; i++) {
        out = stpcpy(out, onsets[below(state, sizeof onsets / sizeof *onsets)]);
        out = stpcpy(out, cores[below(state, sizeof cores / sizeof *cores)]);
        out = stpcpy(out, codas[below(state, sizeof codas / sizeof *codas)]);
    }
}

static void invent_name(uint64_t *state, char *out)
{
    static const char *const suffixes[] = {".com", ".com", ".com", ".com", ".com",
        ".com", ".com", ".com", ".org", ".net", ".net", ".de", ".de", ".co.uk", ".fr",
        ".nl", ".it", ".gov", ".edu", ".mil", ".com.au", ".info", ".eu", ".ch"};

    if (below(state, 12) == 0)
        out = stpcpy(out, below(state, 2) == 0 ? "mail." : "us.");
    invent_word(state, 2 + below(state, 2), out);
    out += strlen(out);
    if (below(state, 8) == 0)
        *out++ = '-';
    if (below(state, 3) == 0) {
        invent_word(state, 1 + below(state, 2), out);
        out += strlen(out);
    }
    if (out[-1] == '-')
        out--;
    strcpy(out, suffixes[below(state, sizeof suffixes / sizeof *suffixes)]);
}

bool names_invent(
    struct names *names, size_t count, uint64_t seed, const struct names *but)
{
    struct set own = {.names = names};
    struct set others = {.names = but};
    bool fine = set_new(&own, count) && set_new(&others, but != NULL ? but->count : 1);
    char name[NAME_MAX_BYTES + 1];

    for (size_t i = 0; fine && but != NULL && i < but->count; i++)
        *set_slot(&others, names_get(but, i)) = (uint32_t)(i + 1);
    while (fine && names->count < count) {
        uint32_t *slot;

        invent_name(&seed, name);
        slot = set_slot(&own, name);
        if (*slot != 0 || (but != NULL && *set_slot(&others, name) != 0))
            continue;
        fine = names_add(names, name);
        *slot = (uint32_t)names->count;
    }
    free(own.slots);
    free(others.slots);
    return fine;
}

/* ---- slips -------------------------------------------------------------- */

void names_slip(const char *name, uint64_t *state, char out[NAME_MAX_BYTES + 1])
{
    const size_t label = strcspn(name, "."); /* the dots stay where they are */
    const size_t at = below(state, label);
    const char letter = (char)('a' + below(state, 26));

    (void)snprintf(out, NAME_MAX_BYTES + 1, "%s", name);
    switch (below(state, 5)) {
    case 0:
        if (label > 1)
            memmove(out + at, out + at + 1, strlen(out + at));
        break;
    case 1:
    case 2:
        if (strlen(out) < NAME_MAX_BYTES) {
            memmove(out + at + 1, out + at, strlen(out + at) + 1);
            out[at] = (letter & 1) != 0 ? letter : out[at + 1];
        }
        break;
    case 3:
        out[at] = letter;
        break;
    default:
        if (at > 0) {
            out[at] = name[at - 1];
            out[at - 1] = name[at];
        }
        break;
    }
}
