#include "quarantine/quarantine.h"

#include "files.h"
#include "index.h"

#include <sodium.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 32 * 1024, DAY_S = 86400 };

struct nm_quarantine {
    struct nm_clock clock;
    char folder[PATH_MAX];
    struct nm_files files;       /* constant once the index is open */
    pthread_mutex_t lock;        /* guards the index */
    struct nm_kept_index *index; /* NULL while it is not open */
    _Atomic uint64_t bytes_max;
    atomic_uint keep_days;
};

/* The hashes' states want a stricter alignment than malloc's. */
struct nm_spool {
    crypto_generichash_state identity;
    crypto_generichash_state body;
    struct nm_id name;
    int file;
    uint64_t bytes;
    size_t buffered;
    char buffer[BUFFER_BYTES];
};

const char *nm_kept_state_name(enum nm_kept_state state)
{
    static const char *const names[NM_KEPT_STATE_COUNT] = {
        [NM_KEPT_WAITING] = "waiting",
        [NM_KEPT_RELEASING] = "releasing",
        [NM_KEPT_RELEASED] = "released",
        [NM_KEPT_DELETED] = "deleted",
        [NM_KEPT_EXPIRED] = "expired",
    };

    assert((size_t)state < NM_KEPT_STATE_COUNT);
    return names[state];
}

static int64_t now_us(const struct nm_quarantine *quarantine)
{
    return quarantine->clock.now_us(quarantine->clock.self);
}

/* ---- a message comes in ----------------------------------------------------------- */

static void drop(void *self, struct nm_spool **spool)
{
    const struct nm_quarantine *quarantine = self;

    if (*spool == NULL)
        return;
    if ((*spool)->file >= 0)
        (void)close((*spool)->file);
    nm_files_drop(&quarantine->files, (*spool)->name.text);
    free(*spool);
    *spool = NULL;
}

static enum nm_code begin_spool(void *self, const struct nm_id *transaction,
    struct nm_spool **out, struct nm_error *error)
{
    struct nm_quarantine *quarantine = self;
    const size_t align = 64;
    enum nm_code code = nm_quarantine_ready(quarantine, error);
    struct nm_spool *spool;

    if (code != NM_OK)
        return code;
    spool = aligned_alloc(align, (sizeof *spool + align - 1) / align * align);
    if (spool == NULL)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    (void)crypto_generichash_init(&spool->identity, NULL, 0, NM_QUARANTINE_HASH_BYTES);
    (void)crypto_generichash_init(&spool->body, NULL, 0, NM_QUARANTINE_HASH_BYTES);
    spool->name = *transaction;
    spool->bytes = 0;
    spool->buffered = 0;
    code = nm_files_begin(&quarantine->files, transaction->text, &spool->file, error);
    if (code != NM_OK) {
        free(spool);
        return code;
    }
    *out = spool;
    return NM_OK;
}

static enum nm_code flush(struct nm_spool *spool, struct nm_error *error)
{
    const size_t length = spool->buffered;

    spool->buffered = 0;
    return nm_files_write(spool->file, spool->buffer, length, error);
}

static enum nm_code write_spool(void *self, struct nm_spool *spool,
    enum nm_content content, const char *bytes, size_t length, struct nm_error *error)
{
    const struct nm_quarantine *quarantine = self;
    const uint64_t most = atomic_load(&quarantine->bytes_max);
    const unsigned char *data = (const unsigned char *)bytes;

    spool->bytes += length;
    if (most > 0 && spool->bytes > most)
        return nm_fail(error, NM_LIMIT,
            "the message is larger than all that the quarantine may hold "
            "(quarantine.max_mb)");
    if (content != NM_CONTENT_TRACE)
        (void)crypto_generichash_update(&spool->identity, data, length);
    if (content == NM_CONTENT_BODY)
        (void)crypto_generichash_update(&spool->body, data, length);
    while (length > 0) {
        const size_t room = BUFFER_BYTES - spool->buffered;
        const size_t part = length < room ? length : room;

        memcpy(spool->buffer + spool->buffered, bytes, part);
        spool->buffered += part;
        bytes += part;
        length -= part;
        if (spool->buffered == BUFFER_BYTES) {
            const enum nm_code code = flush(spool, error);

            if (code != NM_OK)
                return code;
        }
    }
    return NM_OK;
}

/* The row is what makes a message kept, so it comes last. A file that turns out not to be
 * needed, or whose row failed, goes again. */
static enum nm_code keep(struct nm_quarantine *quarantine, struct nm_spool *spool,
    const struct nm_spool_message *message, struct nm_error *error)
{
    const int64_t since = message->time_us - (int64_t)NM_QUARANTINE_JOIN_S * 1000000;
    struct nm_kept_content content = {.bytes = spool->bytes};
    bool is_new = false;
    enum nm_code code = flush(spool, error);

    (void)crypto_generichash_final(
        &spool->identity, content.identity, sizeof content.identity);
    (void)crypto_generichash_final(&spool->body, content.body, sizeof content.body);
    if (code == NM_OK)
        code = nm_files_keep(&quarantine->files, spool->name.text, spool->file, error);
    if (code != NM_OK)
        return code;
    (void)pthread_mutex_lock(&quarantine->lock);
    code = nm_kept_index_add(quarantine->index, message, &content, since,
        atomic_load(&quarantine->bytes_max), &is_new, error);
    (void)pthread_mutex_unlock(&quarantine->lock);
    if (code == NM_OK && !is_new)
        (void)nm_files_remove(&quarantine->files, spool->name.text, NULL);
    return code;
}

/* A commit that failed may have come to be durable all the same, as far as SQLite can
 * tell: then the file must stay. The next start removes it if it is not needed. */
static enum nm_code commit_spool(void *self, struct nm_spool **spool,
    const struct nm_spool_message *message, struct nm_error *error)
{
    struct nm_quarantine *quarantine = self;
    const enum nm_code code = keep(quarantine, *spool, message, error);

    if (code == NM_LIMIT)
        (void)nm_files_remove(&quarantine->files, (*spool)->name.text, NULL);
    drop(quarantine, spool);
    return code;
}

/* Only recipients that would be caught are asked for, so that this may take the lock. */
static bool expects(void *self, struct nm_bytes sender, struct nm_bytes recipient)
{
    struct nm_quarantine *quarantine = self;
    bool found = false;

    (void)pthread_mutex_lock(&quarantine->lock);
    if (quarantine->index != NULL)
        found = nm_kept_index_expects(
            quarantine->index, sender, recipient, now_us(quarantine));
    (void)pthread_mutex_unlock(&quarantine->lock);
    return found;
}

struct nm_quarantine_port nm_quarantine_port(struct nm_quarantine *quarantine)
{
    return (struct nm_quarantine_port){.self = quarantine,
        .begin = begin_spool,
        .write = write_spool,
        .commit = commit_spool,
        .drop = drop,
        .expects = expects};
}

/* ---- open and close --------------------------------------------------------------- */

static void index_path(const char *folder, char *path, size_t size)
{
    struct nm_buf buf;

    nm_buf_init(&buf, path, size);
    nm_buf_printf(&buf, "%s/index.db", folder);
}

enum nm_code nm_quarantine_new(
    const struct nm_quarantine_options *options, struct nm_quarantine **out)
{
    struct nm_quarantine *quarantine = calloc(1, sizeof *quarantine);

    if (quarantine == NULL)
        return NM_NO_MEMORY;
    (void)pthread_mutex_init(&quarantine->lock, NULL);
    (void)nm_copy(quarantine->folder, sizeof quarantine->folder, options->folder);
    quarantine->files.top = quarantine->files.incoming = quarantine->files.messages =
        -1;
    quarantine->clock = options->clock;
    atomic_init(&quarantine->bytes_max, options->bytes_max);
    atomic_init(&quarantine->keep_days, options->keep_days);
    *out = quarantine;
    return NM_OK;
}

static enum nm_code open_parts(
    struct nm_quarantine *quarantine, bool make, struct nm_error *error)
{
    char path[PATH_MAX];
    enum nm_code code = nm_files_open(quarantine->folder, &quarantine->files, error);

    index_path(quarantine->folder, path, sizeof path);
    if (code == NM_OK)
        code = nm_kept_index_open(path, make, &quarantine->index, error);
    if (code != NM_OK)
        nm_files_close(&quarantine->files);
    return code;
}

static bool is_kept(void *self, const char *name)
{
    return nm_kept_index_has(self, name);
}

/* The lock is held. No message of ours is on its way yet. */
static enum nm_code open_first(struct nm_quarantine *quarantine, struct nm_error *error)
{
    enum nm_code code = open_parts(quarantine, true, error);

    if (code == NM_OK)
        code = nm_files_sweep(&quarantine->files, is_kept, quarantine->index, error);
    if (code != NM_OK) {
        nm_kept_index_close(&quarantine->index);
        nm_files_close(&quarantine->files);
    }
    return code;
}

/* Take the lock, with the index open behind it; on failure there is nothing to leave. */
static enum nm_code enter(struct nm_quarantine *quarantine, struct nm_error *error)
{
    enum nm_code code = NM_OK;

    (void)pthread_mutex_lock(&quarantine->lock);
    if (quarantine->index == NULL)
        code = open_first(quarantine, error);
    if (code != NM_OK)
        (void)pthread_mutex_unlock(&quarantine->lock);
    return code;
}

static void leave(struct nm_quarantine *quarantine)
{
    (void)pthread_mutex_unlock(&quarantine->lock);
}

enum nm_code nm_quarantine_ready(
    struct nm_quarantine *quarantine, struct nm_error *error)
{
    const enum nm_code code = enter(quarantine, error);

    if (code == NM_OK)
        leave(quarantine);
    return code;
}

bool nm_quarantine_exists(const struct nm_quarantine *quarantine)
{
    char path[PATH_MAX];

    index_path(quarantine->folder, path, sizeof path);
    return access(path, F_OK) == 0;
}

enum nm_code nm_quarantine_open(const struct nm_quarantine_options *options,
    struct nm_quarantine **out, struct nm_error *error)
{
    char path[PATH_MAX];
    enum nm_code code;

    *out = NULL;
    index_path(options->folder, path, sizeof path);
    if (access(path, F_OK) != 0)
        return NM_OK;
    code = nm_quarantine_new(options, out);
    if (code != NM_OK)
        return nm_fail(error, NM_NO_MEMORY, "out of memory");
    code = open_parts(*out, false, error);
    if (code != NM_OK)
        nm_quarantine_close(out);
    return code;
}

void nm_quarantine_close(struct nm_quarantine **quarantine)
{
    if (*quarantine == NULL)
        return;
    nm_kept_index_close(&(*quarantine)->index);
    nm_files_close(&(*quarantine)->files);
    (void)pthread_mutex_destroy(&(*quarantine)->lock);
    free(*quarantine);
    *quarantine = NULL;
}

void nm_quarantine_set_limits(
    struct nm_quarantine *quarantine, uint64_t bytes_max, unsigned keep_days)
{
    atomic_store(&quarantine->bytes_max, bytes_max);
    atomic_store(&quarantine->keep_days, keep_days);
}

/* ---- review ----------------------------------------------------------------------- */

enum nm_code nm_quarantine_list(struct nm_quarantine *quarantine, const char *id,
    nm_each_entry *each, void *self, struct nm_error *error)
{
    enum nm_code code = enter(quarantine, error);

    if (code != NM_OK)
        return code;
    code = nm_kept_index_list(quarantine->index, id, each, self, error);
    leave(quarantine);
    return code;
}

static bool note_name(void *self, const struct nm_kept_entry *entry)
{
    struct nm_id *name = self;

    (void)nm_copy(name->text, sizeof name->text, entry->transaction);
    return true;
}

enum nm_code nm_quarantine_read(
    struct nm_quarantine *quarantine, const char *id, int *out, struct nm_error *error)
{
    struct nm_id name = {""};
    const enum nm_code code =
        nm_quarantine_list(quarantine, id, note_name, &name, error);

    if (code != NM_OK)
        return code;
    if (name.text[0] == '\0')
        return nm_fail(error, NM_BAD_INPUT, "there is no entry %s", id);
    return nm_files_read(&quarantine->files, name.text, out, error);
}

enum nm_code nm_quarantine_passed(struct nm_quarantine *quarantine, const char *id,
    struct nm_queue_id *out, struct nm_error *error)
{
    enum nm_code code = enter(quarantine, error);

    if (code != NM_OK)
        return code;
    code = nm_kept_index_passed(quarantine->index, id, out, error);
    leave(quarantine);
    return code;
}

enum nm_code nm_quarantine_change(struct nm_quarantine *quarantine, const char *id,
    unsigned from, enum nm_kept_state to, const char *sent_to, struct nm_error *error)
{
    struct nm_id gone;
    enum nm_code code = enter(quarantine, error);

    if (code != NM_OK)
        return code;
    code = nm_kept_index_change(
        quarantine->index, id, from, to, sent_to, now_us(quarantine), &gone, error);
    leave(quarantine);
    if (code == NM_OK && gone.text[0] != '\0')
        (void)nm_files_remove(&quarantine->files, gone.text, NULL);
    return code;
}

/* ---- age -------------------------------------------------------------------------- */

struct sweeping {
    nm_each_entry *each;
    void *self;
    bool may_go;
};

static bool ask(void *self, const struct nm_kept_entry *entry)
{
    struct sweeping *sweeping = self;

    sweeping->may_go = sweeping->each(sweeping->self, entry);
    return true;
}

enum nm_code nm_quarantine_sweep(struct nm_quarantine *quarantine, nm_each_entry *each,
    void *self, struct nm_error *error)
{
    const unsigned days = atomic_load(&quarantine->keep_days);
    const int64_t before_us = now_us(quarantine) - (int64_t)days * DAY_S * 1000000;
    struct sweeping sweeping = {.each = each, .self = self, .may_go = true};
    struct nm_id id = {""};
    enum nm_code code = nm_quarantine_ready(quarantine, error);

    while (days > 0 && code == NM_OK && sweeping.may_go) {
        (void)pthread_mutex_lock(&quarantine->lock);
        code = nm_kept_index_oldest(quarantine->index, before_us, &id, error);
        (void)pthread_mutex_unlock(&quarantine->lock);
        if (code != NM_OK || id.text[0] == '\0')
            break;
        code = nm_quarantine_list(quarantine, id.text, ask, &sweeping, error);
        if (code == NM_OK && sweeping.may_go)
            code = nm_quarantine_change(quarantine, id.text, 1u << NM_KEPT_WAITING,
                NM_KEPT_EXPIRED, NULL, error);
    }
    if (days == 0 || code != NM_OK)
        return code;
    (void)pthread_mutex_lock(&quarantine->lock);
    code = nm_kept_index_forget(quarantine->index, before_us, error);
    (void)pthread_mutex_unlock(&quarantine->lock);
    return code;
}
