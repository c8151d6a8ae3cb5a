/*
 * A path of any bytes: a fault, or parts that lie within it and put together again, as
 * `<local part@domain>`, mean the same.
 */
#include "address_fuzz.h"

static bool lies_within(const char *part, size_t length, const char *path, size_t size)
{
    return part == NULL ? length == 0
                        : part >= path && length <= size &&
                              (size_t)(part - path) <= size - length;
}

static void demand_same_again(const struct nm_address *address)
{
    char path[NM_PATH_MAX + 1];
    struct nm_buf buf;
    struct nm_address again;

    nm_buf_init(&buf, path, sizeof path);
    nm_buf_puts(&buf, "<");
    nm_buf_put(&buf, address->local_part, address->local_part_length);
    if (address->domain_text != NULL) {
        nm_buf_puts(&buf, "@");
        nm_buf_put(&buf, address->domain_text, address->domain_text_length);
    }
    nm_buf_puts(&buf, ">");
    nm_address_parse(the_names(), buf.text, buf.length, &again);
    demand(again.kind == address->kind, "another kind when read again", path);
    demand(again.local_part_length == address->local_part_length,
        "another local part when read again", path);
    demand(strcmp(again.domain.name, address->domain.name) == 0,
        "another domain when read again", path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = (const char *)data;
    struct nm_address address;

    nm_address_parse(the_names(), path, size, &address);
    demand((address.kind == NM_ADDRESS_INVALID) == (address.fault != NM_FAULT_NONE),
        "a fault goes with an invalid path only", nm_address_fault_text(address.fault));
    demand(lies_within(address.local_part, address.local_part_length, path, size) &&
               lies_within(address.domain_text, address.domain_text_length, path, size),
        "a part lies outside", "of the path");
    if (address.kind == NM_ADDRESS_MAILBOX)
        demand_sound(&address.domain);
    else
        demand(address.domain.length == 0, "a domain without a mailbox",
            address.domain.name);
    if (address.kind != NM_ADDRESS_INVALID && address.kind != NM_ADDRESS_NULL)
        demand_same_again(&address);
    return 0;
}
