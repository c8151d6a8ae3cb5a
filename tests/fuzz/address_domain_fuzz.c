/*
 * A domain of any bytes: a fault, or a name in form that reads again as itself, in
 * A-labels and as people see it, and is split as libpsl splits it.
 */
#include "address_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_domain domain;

    if (nm_domain_parse(the_names(), (const char *)data, size, &domain) ==
        NM_FAULT_NONE)
        demand_sound(&domain);
    return 0;
}
