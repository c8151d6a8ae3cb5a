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
    NM_LOCAL_PART_MAX = 255,   /* bytes; RFC 5321, 4.5.3.1.1 asks for 64, and mail servers
                                  let more through */
    NM_DOMAIN_UTF8_MAX = 1023, /* bytes of a domain in U-labels */
    NM_PATH_MAX = 4096         /* bytes of a path with its route and brackets */
};

/* A domain in the one form that everything behind this layer compares: A-labels (RFC
 * 5890), lower case, no trailing dot. */
struct nm_domain {
    uint8_t length; /* bytes of `name`, 1..253 */
    bool idn;       /* at least one label is an A-label (`xn--`) */
    char name[NM_DOMAIN_MAX + 1];
};

/* Where the parts of a domain begin, as offsets into its name. */
struct nm_domain_parts {
    uint8_t suffix;      /* of the public suffix; `length` when the domain is none */
    uint8_t registrable; /* of the label before the public suffix; equals `suffix` when
                            the domain is itself a public suffix */
    bool
        suffix_known; /* the suffix stands in the public suffix list, so it exists; else
                            the list's default rule `*` was used */
};

enum nm_address_kind {
    NM_ADDRESS_INVALID, /* not a path that can be judged; see `fault` */
    NM_ADDRESS_NULL,    /* `<>`: the null reverse-path */
    NM_ADDRESS_LOCAL,   /* no domain: `postmaster`, or a name that the MTA completes */
    NM_ADDRESS_LITERAL, /* an address literal, RFC 5321, 4.1.3 */
    NM_ADDRESS_MAILBOX  /* local part and domain */
};

enum nm_address_fault {
    NM_FAULT_NONE,
    NM_FAULT_EMPTY,      /* no bytes */
    NM_FAULT_CONTROL,    /* NUL or another control byte */
    NM_FAULT_UTF8,       /* invalid UTF-8 */
    NM_FAULT_TOO_LONG,   /* path, local part, domain or label over its limit */
    NM_FAULT_BRACKETS,   /* `<` without `>`, or bytes behind the path */
    NM_FAULT_ROUTE,      /* a source route without its colon */
    NM_FAULT_LOCAL_PART, /* empty, or a quoted string that does not end */
    NM_FAULT_DOMAIN,     /* an empty label, or a character no domain has */
    NM_FAULT_IDNA,       /* UTS #46 rejects the domain (invalid punycode, …) */
    NM_FAULT_LITERAL,    /* brackets around something that is no address */
    NM_FAULT_MEMORY      /* memory ran out in ICU; the path itself may be fine */
};

/* Words for people; never NULL. */
const char *nm_address_fault_text(enum nm_address_fault fault);

struct nm_address {
    enum nm_address_kind kind;
    enum nm_address_fault fault; /* NM_FAULT_NONE unless `kind` is NM_ADDRESS_INVALID */
    const char *local_part;      /* into the caller's bytes, as given (quotes kept) */
    size_t local_part_length;
    const char *domain_text; /* into the caller's bytes, as given; NULL without one */
    size_t domain_text_length;
    struct nm_domain domain; /* set for NM_ADDRESS_MAILBOX only */
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

/* Split a path: brackets optional, a source route skipped, `length` bytes that may be
 * anything at all. Always fills `out`; what cannot be judged has kind
 * NM_ADDRESS_INVALID and a fault. ASCII input allocates nothing. */
void nm_address_parse(const struct nm_names *names, const char *path, size_t length,
    struct nm_address *out);

/* A bare domain (UTF-8 or A-labels, a trailing dot allowed) into its one form. Returns
 * NM_FAULT_NONE, or why not, `out` then untouched. */
enum nm_address_fault nm_domain_parse(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out);

/* Where the public suffix and the registrable part of `domain` begin. */
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
