/* Sends ICU's allocations through ours, so that a walk reaches them too. */
#ifndef NM_TESTS_ALLOC_WALK_ICU_H
#define NM_TESTS_ALLOC_WALK_ICU_H

#include <stdbool.h>
#include <stdlib.h>
#include <unicode/uclean.h>

static void *alloc_walk_icu_alloc(const void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *alloc_walk_icu_realloc(const void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void alloc_walk_icu_free(const void *context, void *memory)
{
    (void)context;
    free(memory);
}

/* Before anything else asks ICU. */
static bool alloc_walk_hook_icu(void)
{
    UErrorCode status = U_ZERO_ERROR;

    u_setMemoryFunctions(NULL, alloc_walk_icu_alloc, alloc_walk_icu_realloc,
        alloc_walk_icu_free, &status);
    return U_SUCCESS(status);
}

#endif
