#include "store.h"

#include "forget.h"
#include "rows.h"
#include "schema.h"
#include "sql/sql.h"

#include <sodium.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_BYTES_MAX = 4096,
    CACHE_KIB = 32 * 1024,
    WAL_PAGES_IDLE = 500, /* copied to the database when nothing else is to do, */
    WAL_PAGES_BUSY = 2000 /* or at the latest at so many */
};

enum statement { BEGIN, COMMIT, ADD_SIGNATURE, STATEMENTS };

static const char *const sql_of[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ADD_SIGNATURE] = "INSERT INTO checkpoint (sequence, signature) VALUES (?, ?)",
};

struct nm_store {
    char *path;
    int lock;             /* held, or -1 */
    const char *wal_path; /* SQLite's */
    struct stat wal_identity;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct nm_texts *texts;
    struct nm_mentions *mentions;
    struct nm_rows *rows;
    struct nm_forget *forget;
    unsigned wal_pages;
    char *gateway;
    struct nm_clock clock;
    char *key_path;
    struct nm_key *key; /* NULL while there is none to be had */
    struct nm_error key_error;
    struct nm_error group_error;
    struct nm_pseudonyms *pseudonyms; /* NULL while none are needed, or to be had */
    struct nm_error names_error;
    struct nm_checkpoint checkpoint; /* the last one that was begun */
    bool checkpoint_is_new;          /* it is in the open transaction, */
    bool checkpoint_is_durable;      /* or on disk and not taken yet */
};

static enum nm_code fail(struct nm_store *store, int status, struct nm_error *error)
{
    return nm_sql_fail(store->db, store->path, status, error);
}

/* ---- is it still there -------------------------------------------------- */

static bool is_in_place(struct nm_store *store)
{
    struct stat now;
    int moved = 0;

    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved == 0 && stat(store->wal_path, &now) == 0 &&
           now.st_dev == store->wal_identity.st_dev &&
           now.st_ino == store->wal_identity.st_ino;
}

/* A commit into a file that has no name any more is durable for nobody. A database that
 * was moved away is made whole: its write-ahead log stayed behind. */
static enum nm_code check_in_place(struct nm_store *store, struct nm_error *error)
{
    if (is_in_place(store))
        return NM_OK;
    (void)sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_FULL, NULL, NULL);
    return nm_fail(error, NM_SYSTEM,
        "%s: the database or its -wal file was removed or replaced while in use; what "
        "is found at this name is opened next, or a new log begun",
        store->path);
}

/* ---- checkpoints -------------------------------------------------------- */

static bool is_checkpoint_due(const struct nm_store *store)
{
    return nm_rows_last(store->rows)->sequence - store->checkpoint.sequence >=
           NM_CHECKPOINT_EVENTS;
}

static int add_signature(struct nm_store *store, const struct nm_checkpoint *checkpoint)
{
    sqlite3_stmt *add = store->statements[ADD_SIGNATURE];

    (void)sqlite3_bind_int64(add, 1, checkpoint->sequence);
    (void)sqlite3_bind_blob(
        add, 2, checkpoint->signature, NM_SIGNATURE_BYTES, SQLITE_STATIC);
    return nm_sql_run(add);
}

/* The key that the log names as the one that signs it; false when it names none. */
static bool read_named_key(struct nm_store *store, uint8_t out[NM_PUBLIC_KEY_BYTES])
{
    sqlite3_stmt *query = NULL;
    bool found =
        nm_sql_prepare(store->db, "SELECT key FROM chain", &query) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW &&
        sqlite3_column_bytes(query, 0) == NM_PUBLIC_KEY_BYTES;

    if (found)
        memcpy(out, sqlite3_column_blob(query, 0), NM_PUBLIC_KEY_BYTES);
    (void)sqlite3_finalize(query);
    return found;
}

/* For those who have nothing but the database; whoever changes it can change this too. */
static int note_key(struct nm_store *store)
{
    sqlite3_stmt *update = NULL;
    int status = nm_sql_prepare(
        store->db, "UPDATE chain SET key = ?1 WHERE key IS NOT ?1", &update);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_blob(
            update, 1, nm_key_public(store->key), NM_PUBLIC_KEY_BYTES, SQLITE_STATIC);
        status = nm_sql_run(update);
    }
    (void)sqlite3_finalize(update);
    return status;
}

/* Another key signs from here on, as `signer` says. */
static int add_rotation(struct nm_store *store, const uint8_t *old_key,
    const uint8_t *new_key, const struct nm_key *signer)
{
    struct nm_rotation rotation;
    struct nm_checkpoint checkpoint = store->checkpoint;
    struct nm_mark mark;
    int status;

    memcpy(rotation.old_key, old_key, NM_PUBLIC_KEY_BYTES);
    memcpy(rotation.new_key, new_key, NM_PUBLIC_KEY_BYTES);
    checkpoint.time_us = store->clock.now_us(store->clock.self);
    status = nm_rows_add_mark(
        store->rows, checkpoint.time_us, store->gateway, NULL, &rotation, &mark);
    if (status != SQLITE_OK)
        return status;
    checkpoint.sequence = mark.sequence;
    checkpoint.hash = mark.hash;
    nm_checkpoint_sign(&checkpoint, signer);
    return add_signature(store, &checkpoint);
}

/* Where the file holds another key than the log was signed with, and none was announced,
 * the one before is lost, or this is not the key of this log: the new one can only say so
 * itself. */
static int take_up_key(struct nm_store *store)
{
    uint8_t named[NM_PUBLIC_KEY_BYTES];
    const bool has_named = read_named_key(store, named);
    int status = SQLITE_OK;

    if (nm_key_settle(store->key_path, has_named ? named : NULL, &store->key_error) !=
            NM_OK ||
        nm_key_open(store->key_path, &store->key, &store->key_error) != NM_OK)
        return SQLITE_OK;
    if (has_named && memcmp(named, nm_key_public(store->key), NM_PUBLIC_KEY_BYTES) != 0)
        status = add_rotation(store, named, nm_key_public(store->key), store->key);
    return status == SQLITE_OK ? note_key(store) : status;
}

/* Sign the end of the chain; with `seal`, one that says what was cut off. Without a key
 * there is none, but a seal is written all the same, or the chain would have no
 * beginning. */
static int add_checkpoint(struct nm_store *store, const struct nm_seal *seal)
{
    struct nm_mark mark;
    int status = store->key == NULL ? take_up_key(store) : SQLITE_OK;

    if (status != SQLITE_OK)
        return status;
    store->checkpoint.sequence = nm_rows_last(store->rows)->sequence;
    if (store->key == NULL && seal == NULL)
        return SQLITE_OK;
    store->checkpoint.time_us = store->clock.now_us(store->clock.self);
    status = nm_rows_add_mark(
        store->rows, store->checkpoint.time_us, store->gateway, seal, NULL, &mark);
    if (status != SQLITE_OK || store->key == NULL)
        return status;
    store->checkpoint.sequence = mark.sequence;
    store->checkpoint.hash = mark.hash;
    nm_checkpoint_sign(&store->checkpoint, store->key);
    store->checkpoint_is_new = true;
    return add_signature(store, &store->checkpoint);
}

/* ---- writing ------------------------------------------------------------ */

static int add_block(struct nm_store *store, const struct nm_block *block, bool again)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < block->count && status == SQLITE_OK; i++)
        status = again ? nm_rows_add_once(store->rows, &block->events[i])
                       : nm_rows_add(store->rows, &block->events[i]);
    return status;
}

/* Checkpoints come where they are due, not where a group of blocks happens to end. */
static int write_events(
    struct nm_store *store, struct nm_block *const *blocks, size_t count, bool again)
{
    int status = nm_sql_run(store->statements[BEGIN]);

    for (size_t i = 0; i < count && status == SQLITE_OK; i++) {
        status = add_block(store, blocks[i], again);
        if (status == SQLITE_OK && is_checkpoint_due(store))
            status = add_checkpoint(store, NULL);
    }
    if (status == SQLITE_OK)
        status = nm_rows_flush(store->rows);
    return status == SQLITE_OK ? nm_mentions_keep_up(store->mentions) : status;
}

static int commit(struct nm_store *store)
{
    const int status = nm_sql_run(store->statements[COMMIT]);

    store->checkpoint_is_durable =
        store->checkpoint_is_durable || store->checkpoint_is_new;
    store->checkpoint_is_new = false;
    return status;
}

enum nm_code nm_store_write(struct nm_store *store, struct nm_block *const *blocks,
    size_t count, bool again, struct nm_error *error)
{
    int status = write_events(store, blocks, count, again);

    if (status == SQLITE_OK)
        status = commit(store);
    return status == SQLITE_OK ? check_in_place(store, error)
                               : fail(store, status, error);
}

enum nm_code nm_store_checkpoint(struct nm_store *store, struct nm_error *error)
{
    int status = nm_sql_run(store->statements[BEGIN]);

    if (status == SQLITE_OK)
        status = add_checkpoint(store, NULL);
    if (status == SQLITE_OK)
        status = commit(store);
    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

bool nm_store_ends_with_checkpoint(const struct nm_store *store)
{
    return nm_rows_last(store->rows)->sequence == store->checkpoint.sequence;
}

bool nm_store_has_checkpoint(const struct nm_store *store)
{
    return store->checkpoint_is_durable;
}

bool nm_store_take_checkpoint(struct nm_store *store, struct nm_checkpoint *out)
{
    const bool taken = store->checkpoint_is_durable;

    if (taken)
        *out = store->checkpoint;
    store->checkpoint_is_durable = false;
    return taken;
}

const char *nm_store_key_trouble(const struct nm_store *store)
{
    return store->key == NULL ? store->key_error.message : "";
}

enum nm_code nm_store_note_config(
    struct nm_store *store, const char *hash, const char *text, struct nm_error *error)
{
    const int status = nm_rows_add_config(store->rows, hash, text);

    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

static void open_pseudonyms(struct nm_store *store, bool make)
{
    char path[PATH_BYTES_MAX];
    struct nm_error error;

    if (store->pseudonyms != NULL)
        return;
    (void)snprintf(path, sizeof path, "%s-names-key", store->path);
    if (nm_pseudonyms_open(path, make, &store->pseudonyms, &error) == NM_OK)
        store->names_error.message[0] = '\0';
    else if (make)
        store->names_error = error;
}

void nm_store_set_local_parts(struct nm_store *store, enum nm_audit_local_part sender,
    enum nm_audit_local_part recipient)
{
    if (sender == NM_LOCAL_KEYED || recipient == NM_LOCAL_KEYED)
        open_pseudonyms(store, true);
    nm_rows_set_local_parts(store->rows, store->pseudonyms, sender, recipient);
}

const char *nm_store_names_trouble(const struct nm_store *store)
{
    return store->names_error.message;
}

const char *nm_store_group_trouble(const struct nm_store *store)
{
    return store->group_error.message;
}

/* ---- forgetting --------------------------------------------------------- */

enum stage { SEAL, CUT_OFF, REDACT, ERASE, TELL, SWEEP, COPY, DONE };

/* What was done, as an act. */
static int add_act(struct nm_store *store, const struct nm_forgetting *task,
    enum nm_verb verb, const char *subject)
{
    uint8_t random[NM_ID_RANDOM_BYTES];
    const int64_t now_us = store->clock.now_us(store->clock.self);
    struct nm_audit_event event = {.kind = NM_EVENT_ACT,
        .time_us = now_us,
        .gateway = store->gateway,
        .actor = task->what.actor,
        .verb = verb,
        .subject = subject,
        .reason = task->what.reason};
    int status;

    randombytes_buf(random, sizeof random);
    event.id = nm_id_make(now_us, random);
    status = nm_rows_add(store->rows, &event);
    return status == SQLITE_OK ? nm_rows_flush(store->rows) : status;
}

/* The seal comes first: what is cut off from then on, by whomever, is what it says. */
static int seal(struct nm_store *store, struct nm_forgetting *task)
{
    char subject[64];
    struct nm_seal seal = {.upto = 0};
    int64_t sealed = 0;
    int status = SQLITE_OK;

    if (task->what.prune_before_us == 0)
        return SQLITE_OK;
    status = nm_forget_find(store->forget, task->what.prune_before_us, &seal);
    if (status == SQLITE_OK)
        status = nm_sql_number(
            store->db, "SELECT coalesce(max(upto), 0) FROM seal", 0, &sealed);
    if (status != SQLITE_OK || seal.upto <= sealed)
        return status;
    (void)snprintf(subject, sizeof subject, "events up to %lld", (long long)seal.upto);
    status = add_act(store, task, NM_VERB_PRUNED, subject);
    return status == SQLITE_OK ? add_checkpoint(store, &seal) : status;
}

static int redact(struct nm_store *store, struct nm_forgetting *task, bool *more)
{
    struct nm_seal last;
    int status = SQLITE_OK;

    if (task->what.redact_before_us == 0)
        return SQLITE_OK;
    if (task->upto == 0) {
        status = nm_forget_find(store->forget, task->what.redact_before_us, &last);
        task->upto = last.upto;
    }
    return status == SQLITE_OK
               ? nm_forget_redact(store->forget, task->upto, &task->erased, more)
               : status;
}

/* In either form in which the log may have it. */
static int erase_address(struct nm_store *store, struct nm_forgetting *task, bool *more)
{
    const char *address = task->what.address;
    const struct nm_bytes given = {address, strlen(address)};
    char memory[NM_PSEUDONYM_MAX];
    struct nm_bytes keyed = given;

    open_pseudonyms(store, false);
    if (store->pseudonyms != NULL)
        keyed = nm_pseudonym(store->pseudonyms, NM_LOCAL_KEYED, given, memory);
    return nm_forget_address(
        store->forget, address, keyed, &task->after, &task->erased, more);
}

static int tell_erased(struct nm_store *store, const struct nm_forgetting *task)
{
    char subject[96];

    if (task->what.address == NULL && task->erased == 0)
        return SQLITE_OK;
    (void)snprintf(subject, sizeof subject, "what is personal in %llu events, of %s",
        (unsigned long long)task->erased,
        task->what.address != NULL ? "one address" : "accepted mail");
    return add_act(store, task, NM_VERB_ERASED, subject);
}

static int forget_piece(struct nm_store *store, struct nm_forgetting *task, bool *more)
{
    switch ((enum stage)task->stage) {
    case SEAL:
        return seal(store, task);
    case CUT_OFF:
        return nm_forget_cut_off(store->forget, &task->cut_off, more);
    case REDACT:
        return redact(store, task, more);
    case ERASE:
        return task->what.address != NULL ? erase_address(store, task, more)
                                          : SQLITE_OK;
    case TELL:
        return tell_erased(store, task);
    case SWEEP:
        return task->cut_off + task->erased > 0 ? nm_forget_sweep(store->forget, more)
                                                : SQLITE_OK;
    case COPY:
    case DONE:
        break;
    }
    return SQLITE_OK;
}

/* ---- another key -------------------------------------------------------- */

static int write_rotation(
    struct nm_store *store, struct nm_forgetting *task, struct nm_key *next)
{
    struct nm_key *before = store->key;
    char subject[32 + 2 * NM_PUBLIC_KEY_BYTES];
    struct nm_buf buf;
    int status;

    (void)sodium_bin2hex(
        task->new_key, sizeof task->new_key, nm_key_public(next), NM_PUBLIC_KEY_BYTES);
    nm_buf_init(&buf, subject, sizeof subject);
    nm_buf_printf(&buf, "public key %s", task->new_key);
    status = nm_sql_run(store->statements[BEGIN]);
    if (status == SQLITE_OK)
        status = add_act(store, task, NM_VERB_KEY_ROTATED, subject);
    if (status == SQLITE_OK)
        status =
            add_rotation(store, nm_key_public(before), nm_key_public(next), before);
    store->key = next;
    nm_key_close(&before);
    if (status == SQLITE_OK)
        status = note_key(store);
    if (status == SQLITE_OK)
        status = add_checkpoint(store, NULL);
    return status == SQLITE_OK ? commit(store) : status;
}

/* Where no new key can be made, all stays as it is. */
static enum nm_code rotate_key(
    struct nm_store *store, struct nm_forgetting *task, struct nm_error *error)
{
    struct nm_key *next = NULL;
    struct nm_error refused;
    int status;

    task->done = true;
    if (store->key == NULL) {
        task->refused = store->key_error;
        return NM_OK;
    }
    /* One that signs, and could not take its place, is nowhere else on the disk. */
    if (nm_key_settle(store->key_path, nm_key_public(store->key), &refused) != NM_OK ||
        nm_key_make_next(store->key_path, &next, &refused) != NM_OK) {
        task->refused = refused;
        return NM_OK;
    }
    status = write_rotation(store, task, next);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    if (nm_key_take_next(store->key_path, store->key, &refused) != NM_OK)
        task->refused = refused;
    return check_in_place(store, error);
}

enum nm_code nm_store_forget(
    struct nm_store *store, struct nm_forgetting *task, struct nm_error *error)
{
    bool more = false;
    int status;

    if (task->what.rotate_key)
        return rotate_key(store, task, error);
    if (task->stage ==
        COPY) { /* so that the old pages are nowhere, readers permitting */
        (void)sqlite3_wal_checkpoint_v2(
            store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        task->stage = DONE;
        task->done = true;
        return NM_OK;
    }
    status = nm_sql_run(store->statements[BEGIN]);
    if (status == SQLITE_OK)
        status = forget_piece(store, task, &more);
    if (status == SQLITE_OK)
        status = commit(store);
    task->stage += !more;
    return status == SQLITE_OK ? check_in_place(store, error)
                               : fail(store, status, error);
}

/* ---- housekeeping ------------------------------------------------------- */

static int note_wal(void *self, sqlite3 *db, const char *name, int pages)
{
    struct nm_store *store = self;

    (void)db;
    (void)name;
    store->wal_pages = (unsigned)pages;
    return SQLITE_OK;
}

/* As far as readers allow. */
static int checkpoint(struct nm_store *store)
{
    const int status = sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    store->wal_pages = 0; /* until the next commit tells */
    return status == SQLITE_BUSY ? SQLITE_OK : status;
}

bool nm_store_must_tidy(const struct nm_store *store)
{
    return store->wal_pages >= WAL_PAGES_BUSY;
}

bool nm_store_may_tidy(const struct nm_store *store)
{
    return store->wal_pages >= WAL_PAGES_IDLE ||
           nm_mentions_may_write(store->mentions) || nm_rows_may_fill(store->rows);
}

static int tidy(struct nm_store *store)
{
    const bool mentions = nm_mentions_may_write(store->mentions);
    int status;

    if (nm_store_must_tidy(store) || !(mentions || nm_rows_may_fill(store->rows)))
        return checkpoint(store);
    status = nm_sql_run(store->statements[BEGIN]);
    if (status == SQLITE_OK)
        status = mentions ? nm_mentions_write_slice(store->mentions)
                          : nm_rows_fill(store->rows);
    return status == SQLITE_OK ? nm_sql_run(store->statements[COMMIT]) : status;
}

enum nm_code nm_store_tidy(struct nm_store *store, struct nm_error *error)
{
    const int status = tidy(store);

    return status == SQLITE_OK ? NM_OK : fail(store, status, error);
}

/* ---- open and close ----------------------------------------------------- */

static int configure(struct nm_store *store)
{
    char pragmas[256];
    struct nm_buf buf;
    int on = 1;

    nm_buf_init(&buf, pragmas, sizeof pragmas);
    nm_buf_printf(&buf,
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = "
        "MEMORY; PRAGMA cache_size = "
        "-%d",
        CACHE_KIB);
    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    (void)sqlite3_wal_hook(store->db, note_wal, store);
    return nm_sql_exec(store->db, pragmas);
}

/* A commit failed, and what it wrote may be found now and yet not be on the disk, since
 * a sync tells of an error only once. So everything is written once more: from the
 * write-ahead log, which then begins anew, to the database. */
static int write_all_again(struct nm_store *store)
{
    return sqlite3_wal_checkpoint_v2(
        store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* A change of our own, so that an opened log is known to be writable. */
static int sign_in(struct nm_store *store)
{
    sqlite3_stmt *update = NULL;
    int status = nm_sql_prepare(
        store->db, "UPDATE state SET gateway = ?, opened_us = ?", &update);

    if (status == SQLITE_OK) {
        nm_sql_bind_bytes(update, 1, store->gateway, strlen(store->gateway));
        (void)sqlite3_bind_int64(update, 2, store->clock.now_us(store->clock.self));
        status = nm_sql_run(update);
    }
    (void)sqlite3_finalize(update);
    return status;
}

static int read_log_name(struct nm_store *store)
{
    sqlite3_stmt *query = NULL;
    int status = nm_sql_prepare(store->db, "SELECT log FROM chain", &query);

    if (status == SQLITE_OK)
        status = sqlite3_step(query);
    if (status == SQLITE_ROW && sqlite3_column_bytes(query, 0) == NM_LOG_NAME_BYTES) {
        memcpy(store->checkpoint.log, sqlite3_column_blob(query, 0), NM_LOG_NAME_BYTES);
        status = SQLITE_OK;
    } else if (status == SQLITE_ROW || status == SQLITE_DONE) {
        status = SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(query);
    return status;
}

static int begin_writing(struct nm_store *store)
{
    int status = nm_sql_run(store->statements[BEGIN]);

    if (status == SQLITE_OK)
        status = sign_in(store);
    if (status == SQLITE_OK)
        status = read_log_name(store);
    if (status == SQLITE_OK)
        status = add_checkpoint(store, NULL);
    if (status == SQLITE_OK && nm_rows_may_fill(store->rows))
        status = nm_rows_fill(store->rows); /* which is all, for most logs */
    return status == SQLITE_OK ? commit(store) : status;
}

/* Whose it is comes before anything is changed. */
static enum nm_code open_database(struct nm_store *store,
    const struct nm_store_options *options, struct nm_error *error)
{
    enum nm_code code;
    int status = sqlite3_open_v2(options->path, &store->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    if (status != SQLITE_OK)
        return fail(store, status, error);
    (void)sqlite3_busy_timeout(store->db, (int)options->busy_ms);
    code = nm_schema_check(store->db, options->path, error);
    if (code == NM_OK)
        code = nm_sql_use_wal(store->db, store->path, error);
    if (code != NM_OK)
        return code;
    status = configure(store);
    if (status == SQLITE_OK && options->doubtful)
        status = write_all_again(store);
    return status == SQLITE_OK ? nm_schema_migrate(store->db, options->path, error)
                               : fail(store, status, error);
}

static int open_parts(struct nm_store *store)
{
    int status = SQLITE_OK;

    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        status = nm_sql_prepare(store->db, sql_of[i], &store->statements[i]);
    if (status == SQLITE_OK)
        status = nm_texts_open(store->db, &store->texts);
    if (status == SQLITE_OK)
        status = nm_mentions_open(store->db, store->texts, &store->mentions);
    if (status == SQLITE_OK)
        status = nm_rows_open(store->db, store->texts, store->mentions, &store->rows);
    if (status == SQLITE_OK)
        status = nm_forget_open(store->db, store->texts, &store->forget);
    return status;
}

/* Readers need the write-ahead log and its index too, and SQLite gives these the owner of
 * the database only when root makes them. Where it cannot be done the log is written all
 * the same. */
static void give_to_group(struct nm_store *store, const char *name)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[PATH_BYTES_MAX];
    const struct group *group = name[0] != '\0' ? getgrnam(name) : NULL;

    if (name[0] != '\0' && group == NULL)
        (void)nm_fail(&store->group_error, NM_SYSTEM,
            "audit.group: there is no group \"%s\"", name);
    for (size_t i = 0; i < NM_COUNT(tails) && group != NULL; i++) {
        struct stat found;

        (void)snprintf(path, sizeof path, "%s%s", store->path, tails[i]);
        if (stat(path, &found) == 0 && found.st_gid != group->gr_gid &&
            chown(path, (uid_t)-1, group->gr_gid) != 0)
            (void)nm_fail(&store->group_error, NM_SYSTEM,
                "audit.group: cannot give %s to group %s: %s (the daemon's user has to "
                "be a member of it)",
                path, name, strerror(errno));
    }
}

static enum nm_code set_up(struct nm_store *store,
    const struct nm_store_options *options, struct nm_error *error)
{
    enum nm_code code = nm_sql_create_file(options->path, error);
    int status;

    if (code == NM_OK)
        code = nm_sql_lock(options->path, &store->lock, error);
    if (code == NM_OK)
        code = open_database(store, options, error);
    if (code != NM_OK)
        return code;
    status = open_parts(store);
    if (status == SQLITE_OK)
        status = begin_writing(store);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    give_to_group(store, options->group);
    store->wal_path = sqlite3_filename_wal(sqlite3_db_filename(store->db, "main"));
    if (stat(store->wal_path, &store->wal_identity) != 0)
        return nm_fail(error, NM_SYSTEM, "%s: %s", store->wal_path, strerror(errno));
    return check_in_place(store, error);
}

static bool copy_options(struct nm_store *store, const struct nm_store_options *options)
{
    store->lock = -1;
    store->clock = options->clock;
    store->path = strdup(options->path);
    store->gateway = strdup(options->gateway);
    store->key_path = strdup(options->key);
    return store->path != NULL && store->gateway != NULL && store->key_path != NULL;
}

enum nm_code nm_store_open(const struct nm_store_options *options,
    struct nm_store **out, struct nm_error *error)
{
    struct nm_store *store = calloc(1, sizeof *store);
    enum nm_code code = NM_NO_MEMORY;

    if (store == NULL)
        return nm_fail(error, NM_NO_MEMORY, "%s: out of memory", options->path);
    if (!copy_options(store, options))
        (void)nm_fail(error, NM_NO_MEMORY, "%s: out of memory", options->path);
    else
        code = set_up(store, options, error);
    if (code != NM_OK) {
        nm_store_close(&store);
        return code;
    }
    *out = store;
    return NM_OK;
}

void nm_store_close(struct nm_store **store)
{
    if (*store == NULL)
        return;
    nm_forget_close(&(*store)->forget);
    nm_rows_close(&(*store)->rows);
    nm_mentions_close(&(*store)->mentions);
    nm_texts_close(&(*store)->texts);
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*store)->statements[i]);
    (void)sqlite3_close((*store)->db);
    if ((*store)->lock >= 0)
        (void)close((*store)->lock);
    nm_key_close(&(*store)->key);
    nm_pseudonyms_close(&(*store)->pseudonyms);
    free((*store)->path);
    free((*store)->gateway);
    free((*store)->key_path);
    free(*store);
    *store = NULL;
}
