/*
 * Gate overlay: what people change while mail flows, beside the snapshot: exceptions. As
 * the snapshot it is immutable and whole; a change puts a new one in the slot, and a
 * message keeps both that it began with.
 */
#ifndef NM_GATE_OVERLAY_H
#define NM_GATE_OVERLAY_H

#include <nearmiss/address.h>
#include <nearmiss/base.h>

enum {
    NM_EXCEPTIONS_MAX = 20000,
    NM_EXCEPTION_SENDER_MAX = 320, /* bytes */
    NM_EXCEPTION_REASON_MAX = 500,
    NM_EXCEPTION_AUTHOR_MAX = 128
};

/* Somebody said that mail to a domain is meant. */
struct nm_exception {
    struct nm_domain domain; /* with the names below it */
    /* Meant for it is no slip of this one, or of those below it; of others it may still
     * be. Length 0: meant, whatever it looks like. */
    struct nm_domain target;
    const char *sender; /* whose mail: an address, or a domain; NULL: everyone's */
    const char *reason; /* NULL for none */
    const char *author; /* "alice (uid 1000)" */
    int64_t created_us;
    int64_t expires_us; /* in force before this; INT64_MAX: for ever */
};

struct nm_overlay;

/* Everything is copied; the result has one reference. NM_NO_MEMORY, NM_LIMIT. */
enum nm_code nm_overlay_new(
    const struct nm_exception *exceptions, size_t count, struct nm_overlay **out);
void nm_overlay_hold(struct nm_overlay *overlay);
/* NULL is fine. */
void nm_overlay_release(struct nm_overlay **overlay);

size_t nm_overlay_size(const struct nm_overlay *overlay);

/* The exception in force at `now_us` for mail of `sender` to `domain`: with `target` NULL
 * one that holds whatever the domain looks like, else one for that target. NULL when there
 * is none, or no overlay. Borrowed from it. */
const struct nm_exception *nm_overlay_find(const struct nm_overlay *overlay,
    const struct nm_domain *domain, const struct nm_domain *target, const char *sender,
    int64_t now_us);

#endif
