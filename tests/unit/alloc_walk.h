/*
 * Makes allocations of the calling thread fail, one after the other:
 *
 *     for (size_t nth = 1;; nth++) {
 *         alloc_walk_fail(nth);
 *         code = thing_new(&thing);
 *         if (!alloc_walk_failed())
 *             break;                  // the call needed fewer than nth allocations
 *         ck_assert(code == NM_NO_MEMORY && thing == NULL);
 *     }
 *
 * The linker sends the allocations of the project's own code here (--wrap), not those
 * inside shared libraries. For tests named LAYER_alloc_test.c, from one source file.
 */
#ifndef NM_TESTS_ALLOC_WALK_H
#define NM_TESTS_ALLOC_WALK_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);

/* The allocation that makes it 0 fails. */
static _Thread_local size_t alloc_walk_countdown;
static _Thread_local bool alloc_walk_hit;

/* From now on let allocation number `nth` fail, counted from 1. */
static void alloc_walk_fail(size_t nth)
{
    alloc_walk_countdown = nth;
    alloc_walk_hit = false;
}

/* Whether it came to that; lets every later allocation succeed. */
static bool alloc_walk_failed(void)
{
    alloc_walk_countdown = 0;
    return alloc_walk_hit;
}

static bool alloc_walk_refuses(void)
{
    if (alloc_walk_countdown == 0 || --alloc_walk_countdown > 0)
        return false;
    alloc_walk_hit = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return alloc_walk_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_walk_refuses() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return alloc_walk_refuses() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return alloc_walk_refuses() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return alloc_walk_refuses() ? NULL : __real_strndup(text, length);
}

#endif
