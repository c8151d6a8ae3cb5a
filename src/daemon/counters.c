#include "counters.h"

#include <stdatomic.h>

static atomic_uint_fast64_t counters[NM_COUNTER_COUNT];

static void add(void *self, enum nm_counter counter)
{
    (void)self;
    (void)atomic_fetch_add_explicit(&counters[counter], 1, memory_order_relaxed);
}

struct nm_counter_port nm_counters_port(void)
{
    return (struct nm_counter_port){NULL, add};
}

uint64_t nm_counter_value(enum nm_counter counter)
{
    return atomic_load_explicit(&counters[counter], memory_order_relaxed);
}
