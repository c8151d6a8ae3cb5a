/*
 * Nearmiss address: RFC 5321 paths as mail servers hand them to a filter, domains as
 * A-labels, and the public suffix.
 *
 * Pure: may use nearmiss/base.h, ICU (UTS #46) and libpsl; opens no file, takes no
 * lock, reads no clock. A struct nm_names is immutable once made: any number of threads
 * may use it at once.
 */
#ifndef NEARMISS_ADDRESS_H
#define NEARMISS_ADDRESS_H

#include <nearmiss/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NM_DOMAIN_MAX = 253, /* bytes of a domain without the root's dot; RFC 1035, 2.3.4 */
    NM_LABEL_MAX = 63,   /* bytes of a label; RFC 1035, 2.3.4 */
    NM_DOMAIN_UTF8_MAX = 1023, /* bytes of a domain in U-labels, as it is shown */
    NM_PATH_MAX = 4096         /* bytes of a path with its route and brackets */
};

/* A domain in the one form that everything behind this layer compares: A-labels (RFC
 * 5890), lower case, no trailing dot. Labels of 1 to 63 letters, digits, `-` and `_`,
 * hyphens anywhere: looser than a host name, since a name that a server may look up
 * should be judged and not passed over. */
struct nm_domain {
    uint8_t length; /* bytes of `name`, 1..253 */
    bool idn;       /* at least one label is an A-label (`xn--`) */
    char name[NM_DOMAIN_MAX + 1];
};

/* Where the parts of a domain begin, as offsets into its name. Both of the list's
 * sections count, ICANN and private: `github.io` is a public suffix. */
struct nm_domain_parts {
    uint8_t suffix;      /* of the public suffix, which is never empty */
    uint8_t registrable; /* of the label before the public suffix; equals `suffix` when
                            the domain is itself a public suffix */
    bool suffix_known;   /* a rule of the list names the suffix, so it exists; else the
                            list's default rule `*` took the last label for it */
};

enum nm_address_kind {
    NM_ADDRESS_INVALID, /* not a path that can be judged; see `fault` */
    NM_ADDRESS_NULL,    /* `<>`: the null reverse-path */
    NM_ADDRESS_LOCAL,   /* no domain: `postmaster`, or a name that the MTA completes */
    NM_ADDRESS_LITERAL, /* an address literal, RFC 5321, 4.1.3; `[army.mil]` is a name */
    NM_ADDRESS_MAILBOX  /* local part and domain */
};

/* Why a path or a domain cannot be judged. An empty label (`army..mil`) is a fault and
 * not a slip, since no server can deliver to it. */
enum nm_address_fault {
    NM_FAULT_NONE,
    NM_FAULT_EMPTY,      /* no bytes */
    NM_FAULT_CONTROL,    /* NUL, or a control byte not before the `@` of a mailbox */
    NM_FAULT_UTF8,       /* invalid UTF-8, likewise */
    NM_FAULT_TOO_LONG,   /* path, domain or label over its limit */
    NM_FAULT_BRACKETS,   /* `<` without `>`, or bytes behind the path */
    NM_FAULT_ROUTE,      /* a source route with an empty hop or without its colon */
    NM_FAULT_LOCAL_PART, /* empty, or a quoted string or escape that does not end */
    NM_FAULT_DOMAIN,     /* empty, an empty label, or a character no domain has */
    NM_FAULT_IDNA,       /* UTS #46 rejects the domain (invalid punycode, …) */
    NM_FAULT_LITERAL,    /* brackets around something that is no address */
    NM_FAULT_MEMORY      /* memory ran out in ICU; the path itself may be fine */
};

/* Words for people; never NULL. */
const char *nm_address_fault_text(enum nm_address_fault fault);

/* The two texts point into the caller's bytes, as given (quotes kept), and are NULL where
 * there is none. Of an invalid path they are set as far as it could be split: where the
 * domain alone is at fault, both. */
struct nm_address {
    enum nm_address_kind kind;
    enum nm_address_fault fault; /* NM_FAULT_NONE unless `kind` is NM_ADDRESS_INVALID */
    const char *local_part;
    size_t local_part_length;
    const char *domain_text;
    size_t domain_text_length;
    struct nm_domain domain; /* NM_ADDRESS_MAILBOX only; else its name is empty */
};

struct psl_ctx_st;

/* What naming needs: UTS #46 processing (non-transitional, STD3 relaxed for `_`) and a
 * public suffix list. */
struct nm_names;

/* `suffixes` is borrowed and must outlive the result; NULL means libpsl's built-in
 * list. Fails with NM_NO_MEMORY or NM_SYSTEM (ICU has no data). */
enum nm_code nm_names_new(
    const struct psl_ctx_st *suffixes, struct nm_names **out, struct nm_error *error);
void nm_names_free(struct nm_names **names);

/* Split a path of `length` bytes that may be anything at all. Always fills `out`; what
 * cannot be judged has kind NM_ADDRESS_INVALID and a fault. ASCII input without A-labels
 * allocates nothing.
 *
 * Looser than RFC 5321, 4.1.2, as mail servers are: the angle brackets may be missing,
 * blanks may stand around them, a source route is skipped, and the local part may be
 * anything but NUL: whatever stands there, the mail goes to the domain, and the domain is
 * judged. It is what follows the last `@` that is neither quoted nor escaped;
 * `user%there@gateway` and `there!user` are not taken apart, since only the server that
 * gets them knows what they mean. */
void nm_address_parse(const struct nm_names *names, const char *path, size_t length,
    struct nm_address *out);

/* A bare domain (UTF-8 or A-labels, a trailing dot allowed) into its one form. Returns
 * NM_FAULT_NONE, or why not, `out` then untouched. */
enum nm_address_fault nm_domain_parse(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out);

/* Where the public suffix and the registrable part of `domain` begin. Asks the list once
 * a label, some 250 ns each: call it only for names that need it. */
struct nm_domain_parts nm_domain_split(
    const struct nm_names *names, const struct nm_domain *domain);

/* The domain in U-labels (UTF-8) as people read it; a label that cannot be shown stays
 * an A-label. */
void nm_domain_to_unicode(
    const struct nm_names *names, const struct nm_domain *domain, struct nm_buf *out);

#ifdef __cplusplus
}
#endif

#endif
