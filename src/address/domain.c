/*
 * A domain as people and mail servers write it becomes A-labels in lower case without a
 * trailing dot, or a fault.
 *
 * One scan does both the work and the check for ASCII: letters, digits, `-` and `_`, in
 * labels of 1 to 63 bytes, 253 in all. That is looser than a host name (a hyphen may
 * stand anywhere): what a server may look up in the DNS should be judged, not passed
 * over. Names with a byte above 127 or a label that begins with `xn--` go through UTS #46
 * first (https://www.unicode.org/reports/tr46/: non-transitional, CheckBidi and
 * CheckJoiners on, CheckHyphens and UseSTD3ASCIIRules off) and what comes out is scanned
 * in the same way, so that nothing that UTS #46 maps to a blank or an `@` gets through.
 */
#include "names.h"

#include <string.h>

enum { SIZE_ERRORS = UIDNA_ERROR_LABEL_TOO_LONG | UIDNA_ERROR_DOMAIN_NAME_TOO_LONG };

/* The byte as it stands in a name, or 0 when no name has it; 16 to a line. */
static const char name_byte[256] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0-.\0"
                                   "0123456789\0\0\0\0\0\0"
                                   "\0abcdefghijklmno"
                                   "pqrstuvwxyz\0\0\0\0_"
                                   "\0abcdefghijklmno"
                                   "pqrstuvwxyz";

/* A whole label in lower case: is its length right, and is it an A-label? */
static enum nm_address_fault check_label(
    const char *label, size_t length, struct nm_domain *out)
{
    if (length == 0)
        return NM_FAULT_DOMAIN;
    if (length > NM_LABEL_MAX)
        return NM_FAULT_TOO_LONG;
    if (length >= 4 && memcmp(label, "xn--", 4) == 0)
        out->idn = true;
    return NM_FAULT_NONE;
}

/* `text` without its trailing dot. */
static enum nm_address_fault scan(
    const char *text, size_t length, struct nm_domain *out)
{
    enum nm_address_fault fault;
    size_t label = 0;

    out->idn = false;
    for (size_t at = 0; at < length; at++) {
        out->name[at] = name_byte[(unsigned char)text[at]];
        if (out->name[at] == 0)
            return NM_FAULT_DOMAIN;
        if (text[at] != '.')
            continue;
        fault = check_label(out->name + label, at - label, out);
        if (fault != NM_FAULT_NONE)
            return fault;
        label = at + 1;
    }
    out->name[length] = '\0';
    out->length = (uint8_t)length;
    return check_label(out->name + label, length - label, out);
}

static enum nm_address_fault parse_ascii(
    const char *text, size_t length, struct nm_domain *out)
{
    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length > NM_DOMAIN_MAX)
        return NM_FAULT_TOO_LONG;
    return scan(text, length, out);
}

/* Our arguments are in order, so any other failure than a name that does not fit means
 * that memory ran out; ICU then also says U_ILLEGAL_ARGUMENT_ERROR. */
static enum nm_address_fault fault_of(const UIDNAInfo *info, UErrorCode status)
{
    if (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR)
        return NM_FAULT_MEMORY;
    if ((info->errors & NM_IDNA_ERRORS) != 0)
        return NM_FAULT_IDNA;
    if ((info->errors & SIZE_ERRORS) != 0 || U_FAILURE(status))
        return NM_FAULT_TOO_LONG;
    return NM_FAULT_NONE;
}

/* An A-label whose U-label would again begin with `xn--`: shown to people it would be
 * read as something else. UTS #46, 4.1 forbids it since revision 31; older ICU tells
 * only that hyphens stand in the third and fourth place of some U-label. */
static bool is_disguised(const struct nm_domain *domain, const UIDNAInfo *info)
{
    const char *at = domain->name;

    if ((info->errors & UIDNA_ERROR_HYPHEN_3_4) == 0)
        return false;
    while ((at = strstr(at, "xn--xn--")) != NULL && at > domain->name && at[-1] != '.')
        at++;
    return at != NULL;
}

/* The buffer has room for the longest name and its trailing dot. */
static enum nm_address_fault parse_idn(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out)
{
    char ascii[NM_DOMAIN_MAX + 2];
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    const int32_t size = uidna_nameToASCII_UTF8(
        names->idna, text, (int32_t)length, ascii, sizeof ascii, &info, &status);
    enum nm_address_fault fault = fault_of(&info, status);

    if (fault == NM_FAULT_NONE)
        fault = parse_ascii(ascii, (size_t)size, out);
    if (fault == NM_FAULT_NONE && is_disguised(out, &info))
        fault = NM_FAULT_IDNA;
    return fault;
}

/* NM_FAULT_UTF8, NM_FAULT_CONTROL, or whether a byte is above 127. */
static enum nm_address_fault check_bytes(const char *text, size_t length, bool *ascii)
{
    uint32_t code_point;

    *ascii = true;
    for (size_t at = 0, size; at < length; at += size) {
        size = nm_utf8_decode(text + at, length - at, &code_point);
        if (size == 0)
            return NM_FAULT_UTF8;
        if (code_point < 0x20 || code_point == 0x7f)
            return NM_FAULT_CONTROL;
        if (size > 1)
            *ascii = false;
    }
    return NM_FAULT_NONE;
}

/* What the scan for ASCII refused with `refusal`, or found an A-label in. */
static enum nm_address_fault parse_other(const struct nm_names *names, const char *text,
    size_t length, enum nm_address_fault refusal, struct nm_domain *out)
{
    bool ascii;
    enum nm_address_fault fault;

    if (length > NM_PATH_MAX) /* UTS #46 leaves out any number of characters */
        return NM_FAULT_TOO_LONG;
    fault = check_bytes(text, length, &ascii);
    if (fault != NM_FAULT_NONE)
        return fault;
    if (ascii && refusal != NM_FAULT_NONE)
        return refusal;
    return parse_idn(names, text, length, out);
}

enum nm_address_fault nm_domain_parse(const struct nm_names *names, const char *text,
    size_t length, struct nm_domain *out)
{
    struct nm_domain domain;
    enum nm_address_fault fault;

    if (length == 0)
        return NM_FAULT_EMPTY;
    fault = parse_ascii(text, length, &domain);
    if (fault != NM_FAULT_NONE || domain.idn)
        fault = parse_other(names, text, length, fault, &domain);
    if (fault == NM_FAULT_NONE)
        *out = domain;
    return fault;
}
