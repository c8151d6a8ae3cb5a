/*
 * An arena is a list of blocks, newest first. Small requests are cut from the newest
 * block; a request larger than a block gets one of its own. Resetting keeps the first
 * block, so that a session's next transaction usually allocates nothing.
 */
#include <nearmiss/base.h>

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4096 };

struct block {
    struct block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char memory[];
};

struct nm_arena {
    struct block *newest;
    size_t cap_bytes;
    size_t used_bytes;
};

static struct block *add_block(struct nm_arena *arena, size_t size)
{
    struct block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->older = arena->newest;
    block->size = size;
    block->used = 0;
    arena->newest = block;
    return block;
}

enum nm_code nm_arena_new(size_t cap_bytes, struct nm_arena **out)
{
    struct nm_arena *arena = calloc(1, sizeof *arena);

    if (arena == NULL)
        return NM_NO_MEMORY;
    arena->cap_bytes = cap_bytes;
    if (add_block(arena, BLOCK_BYTES) == NULL) {
        free(arena);
        return NM_NO_MEMORY;
    }
    *out = arena;
    return NM_OK;
}

void *nm_arena_alloc(struct nm_arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    struct block *block = arena->newest;
    void *memory;

    if (size > arena->cap_bytes - arena->used_bytes)
        return NULL;
    size = (size + unit - 1) / unit * unit;
    if (size > arena->cap_bytes - arena->used_bytes)
        return NULL;
    if (size > block->size - block->used) {
        block = add_block(arena, size > BLOCK_BYTES ? size : (size_t)BLOCK_BYTES);
        if (block == NULL)
            return NULL;
    }
    memory = block->memory + block->used;
    block->used += size;
    arena->used_bytes += size;
    assert(arena->used_bytes <= arena->cap_bytes);
    return memset(memory, 0, size);
}

char *nm_arena_copy(struct nm_arena *arena, const char *bytes, size_t length)
{
    char *copy = length < SIZE_MAX ? nm_arena_alloc(arena, length + 1) : NULL;

    if (copy != NULL && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

void nm_arena_reset(struct nm_arena *arena)
{
    while (arena->newest->older != NULL) {
        struct block *older = arena->newest->older;

        free(arena->newest);
        arena->newest = older;
    }
    arena->newest->used = 0;
    arena->used_bytes = 0;
}

size_t nm_arena_used(const struct nm_arena *arena)
{
    return arena->used_bytes;
}

void nm_arena_free(struct nm_arena **arena)
{
    if (*arena == NULL)
        return;
    nm_arena_reset(*arena);
    free((*arena)->newest);
    free(*arena);
    *arena = NULL;
}
