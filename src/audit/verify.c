/*
 * Verifying: the chain computed anew, by several threads, each with a connection of its
 * own. One takes a stretch of sequences at a time; since every event keeps its hash, a
 * stretch needs to know just the one before it. Whether the hashes are those that were
 * there once, the signed checkpoints say: those in the log, and better, copies of them
 * from elsewhere.
 *
 * Keys follow one another by rotations, events that the key before signed. One known key
 * vouches for all others: for the later ones by its signature, for the earlier ones since
 * the chain that it signed tells of them. A key may sign only what lies between the
 * rotations that begin and end it.
 */
#include "checkpoint.h"
#include "digests.h"
#include "reader.h"
#include "sql/sql.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STRETCH = 32 * 1024, /* sequences that a thread takes at once */
    THREADS_MAX = 8,
    FOUND_MAX =
        64 * 1024, /* findings before they are joined; further ones are counted */
    CODE_MAX = 255
};

enum statement {
    ROWS,
    BEFORE,
    ACT,
    SEAL,
    ROTATION,
    SIGNATURE,
    TEXT,
    CONFIG,
    STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
    [ROWS] = "SELECT sequence, kind, time_us, id, transaction_id, gateway, domain,"
             " target, rule, config, match, technique, action, mode, outcome,"
             " confidence, queue_id, sender, client, auth, reply, recipient, salt, hash"
             " FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
    [BEFORE] = ("SELECT sequence, time_us, hash FROM event WHERE sequence < ?"
                " ORDER BY sequence DESC LIMIT 1"),
    [ACT] = "SELECT verb, actor, subject, decision, reason FROM act WHERE sequence = ?",
    [SEAL] = "SELECT upto, hash FROM seal WHERE sequence = ?",
    [ROTATION] = "SELECT old_key, new_key FROM rotation WHERE sequence = ?",
    [SIGNATURE] = "SELECT signature FROM checkpoint WHERE sequence = ?",
    [TEXT] = "SELECT value FROM text WHERE id = ?",
    [CONFIG] = "SELECT hash FROM config WHERE id = ?",
};

enum column {
    V_SEQUENCE,
    V_KIND,
    V_TIME,
    V_ID,
    V_TRANSACTION,
    V_GATEWAY,
    V_DOMAIN,
    V_TARGET,
    V_RULE,
    V_CONFIG,
    V_MATCH,
    V_TECHNIQUE,
    V_ACTION,
    V_MODE,
    V_OUTCOME,
    V_CONFIDENCE,
    V_QUEUE_ID,
    V_SENDER,
    V_CLIENT,
    V_AUTH,
    V_REPLY,
    V_RECIPIENT,
    V_SALT,
    V_HASH
};

/* An event as the next one knows it. */
struct link_end {
    bool known;
    int64_t sequence;
    int64_t time_us;
    struct nm_hash hash;
};

struct found {
    enum nm_audit_finding_kind kind;
    int64_t first;
    int64_t last;
    int64_t sound_us;
};

/* The key that signs up to a sequence. */
struct era {
    int64_t upto;
    uint8_t key[NM_PUBLIC_KEY_BYTES];
};

struct verify {
    const struct nm_audit_verify_query *query;
    uint8_t log[NM_LOG_NAME_BYTES];
    struct nm_public_keys trusted; /* the newest first; none when count is 0 */
    struct era *eras;              /* by their sequences; the last has no end */
    size_t era_count;              /* 0 while no key is known */
    int64_t chained;
    int64_t first; /* that is there */
    int64_t last;
    struct link_end start; /* what the chain follows: its beginning, or the last seal */
    struct nm_digests texts;
    struct nm_digests configs;
    _Atomic int64_t next; /* sequence of the next stretch */
    atomic_bool stopped;

    pthread_mutex_t lock; /* for all below */
    struct found *found;
    size_t found_count;
    uint64_t not_kept;
    struct nm_audit_verdict *verdict;
    struct nm_error error;
};

struct worker {
    struct verify *verify;
    pthread_t thread;
    struct nm_audit_reader *reader;
    sqlite3_stmt *statements[STATEMENTS];
    struct link_end before;
    struct nm_hash looked_up[NM_PARTS + 6]; /* texts that were not kept */
    size_t looked_up_count;
    uint64_t events;
    uint64_t erased;
    int64_t signed_upto;
    int64_t signed_us;
};

/* ---- findings ----------------------------------------------------------- */

static int add_finding(struct verify *verify, const struct found *finding)
{
    int status = SQLITE_OK;

    pthread_mutex_lock(&verify->lock);
    if (verify->found == NULL)
        verify->found = malloc(FOUND_MAX * sizeof *verify->found);
    if (verify->found == NULL)
        status = SQLITE_NOMEM;
    else if (verify->found_count < FOUND_MAX)
        verify->found[verify->found_count++] = *finding;
    else
        verify->not_kept++;
    pthread_mutex_unlock(&verify->lock);
    return status;
}

static int find(
    struct worker *worker, enum nm_audit_finding_kind kind, int64_t first, int64_t last)
{
    const struct found finding = {kind, first, last, worker->before.time_us};

    return add_finding(worker->verify, &finding);
}

/* ---- an event ----------------------------------------------------------- */

static struct nm_bytes column(sqlite3_stmt *row, int at)
{
    const char *bytes = sqlite3_column_blob(row, at);

    return (struct nm_bytes){bytes, (size_t)sqlite3_column_bytes(row, at)};
}

static bool is_null(sqlite3_stmt *row, int at)
{
    return sqlite3_column_type(row, at) == SQLITE_NULL;
}

static struct nm_hash digest_of(struct nm_bytes bytes)
{
    return nm_digest(
        bytes.data != NULL || bytes.length > 0 ? bytes.data : "", bytes.length);
}

/* The digest of a text by its number. One that is not there gives none, which fits no
 * event. */
static const struct nm_hash *digest(
    struct worker *worker, enum statement which, int64_t number)
{
    const struct nm_digests *digests =
        which == TEXT ? &worker->verify->texts : &worker->verify->configs;
    const struct nm_hash *kept = nm_digests_find(digests, number);
    sqlite3_stmt *query = worker->statements[which];
    struct nm_hash *out;

    if (kept != NULL)
        return kept;
    assert(worker->looked_up_count < NM_COUNT(worker->looked_up));
    out = &worker->looked_up[worker->looked_up_count++];
    *out = (struct nm_hash){{0}};
    (void)sqlite3_bind_int64(query, 1, number);
    if (sqlite3_step(query) == SQLITE_ROW)
        *out = digest_of(column(query, 0));
    (void)sqlite3_reset(query);
    return out;
}

static bool read_code(sqlite3_stmt *row, int at, int *out)
{
    const int64_t value = sqlite3_column_int64(row, at);

    *out = (int)value;
    return value >= 0 && value <= CODE_MAX;
}

/* Values of a part that is erased would be covered by nothing. */
static bool is_consistent(sqlite3_stmt *row, const struct nm_salts *salts)
{
    const bool has_sender = !is_null(row, V_SENDER) || !is_null(row, V_CLIENT) ||
                            !is_null(row, V_AUTH) || !is_null(row, V_REPLY);

    return (!nm_salts_is_erased(salts, NM_PART_SENDER) || !has_sender) &&
           (!nm_salts_is_erased(salts, NM_PART_RECIPIENT) || is_null(row, V_RECIPIENT));
}

static bool commit_decision(struct worker *worker, sqlite3_stmt *row,
    const struct nm_salts *salts, struct nm_link *link)
{
    struct nm_hash texts[3];

    texts[0] = *digest(worker, TEXT, sqlite3_column_int64(row, V_SENDER));
    texts[1] = *digest(worker, TEXT, sqlite3_column_int64(row, V_CLIENT));
    texts[2] = *digest(worker, TEXT, sqlite3_column_int64(row, V_AUTH));
    nm_commit(salts, NM_PART_SENDER, texts, NM_COUNT(texts), column(row, V_REPLY),
        &link->parts[NM_PART_SENDER]);
    nm_commit(salts, NM_PART_RECIPIENT, NULL, 0, column(row, V_RECIPIENT),
        &link->parts[NM_PART_RECIPIENT]);
    return is_consistent(row, salts);
}

static bool has_no_values(sqlite3_stmt *row)
{
    return is_null(row, V_SENDER) && is_null(row, V_CLIENT) && is_null(row, V_AUTH) &&
           is_null(row, V_REPLY) && is_null(row, V_RECIPIENT);
}

static bool commit_act(
    sqlite3_stmt *act, const struct nm_salts *salts, struct nm_link *link)
{
    enum { VERB, ACTOR, SUBJECT, DECISION, REASON };
    const struct nm_bytes decision = column(act, DECISION);
    uint8_t packed[NM_LINK_ID_BYTES] = {0};
    struct nm_hash actor = {{0}};

    if (!is_null(act, ACTOR))
        actor = digest_of(column(act, ACTOR));
    nm_commit(salts, NM_PART_SENDER, &actor, 1, column(act, REASON),
        &link->parts[NM_PART_SENDER]);
    nm_commit(salts, NM_PART_RECIPIENT, NULL, 0, column(act, SUBJECT),
        &link->parts[NM_PART_RECIPIENT]);
    nm_link_add_number(link, sqlite3_column_int64(act, VERB));
    if (decision.length == sizeof packed)
        memcpy(packed, decision.data, sizeof packed);
    nm_link_add(link, packed, sizeof packed);
    return (decision.length == 0 || decision.length == sizeof packed) &&
           (!nm_salts_is_erased(salts, NM_PART_SENDER) ||
               (is_null(act, ACTOR) && is_null(act, REASON))) &&
           (!nm_salts_is_erased(salts, NM_PART_RECIPIENT) || is_null(act, SUBJECT));
}

static bool add_act(struct worker *worker, sqlite3_stmt *row,
    const struct nm_salts *salts, struct nm_link *link)
{
    sqlite3_stmt *act = worker->statements[ACT];
    bool sound;

    (void)sqlite3_bind_int64(act, 1, link->sequence);
    sound = sqlite3_step(act) == SQLITE_ROW && commit_act(act, salts, link);
    (void)sqlite3_reset(act);
    return sound && has_no_values(row);
}

static bool add_seal(struct worker *worker, sqlite3_stmt *row, struct nm_link *link)
{
    sqlite3_stmt *seal = worker->statements[SEAL];
    bool sound;

    (void)sqlite3_bind_int64(seal, 1, link->sequence);
    sound = sqlite3_step(seal) == SQLITE_ROW &&
            sqlite3_column_bytes(seal, 1) == NM_HASH_BYTES;
    if (sound) {
        nm_link_add_number(link, sqlite3_column_int64(seal, 0));
        nm_link_add(link, sqlite3_column_blob(seal, 1), NM_HASH_BYTES);
    }
    (void)sqlite3_reset(seal);
    return sound && has_no_values(row);
}

static bool add_rotation(struct worker *worker, sqlite3_stmt *row, struct nm_link *link)
{
    sqlite3_stmt *rotation = worker->statements[ROTATION];
    bool sound;

    (void)sqlite3_bind_int64(rotation, 1, link->sequence);
    sound = sqlite3_step(rotation) == SQLITE_ROW &&
            sqlite3_column_bytes(rotation, 0) == NM_PUBLIC_KEY_BYTES &&
            sqlite3_column_bytes(rotation, 1) == NM_PUBLIC_KEY_BYTES;
    if (sound) {
        nm_link_add(link, sqlite3_column_blob(rotation, 0), NM_PUBLIC_KEY_BYTES);
        nm_link_add(link, sqlite3_column_blob(rotation, 1), NM_PUBLIC_KEY_BYTES);
    }
    (void)sqlite3_reset(rotation);
    return sound && has_no_values(row);
}

static bool add_parts(struct worker *worker, sqlite3_stmt *row, struct nm_link *link)
{
    const struct nm_bytes column_salt = column(row, V_SALT);
    struct nm_salts salts = {.length = 0};
    const bool salted = nm_salts_read(column_salt.data, column_salt.length, &salts);

    worker->erased += salts.length > NM_PARTS * NM_SALT_BYTES;
    switch (link->kind) {
    case NM_EVENT_DECISION:
        return salted && commit_decision(worker, row, &salts, link);
    case NM_EVENT_ACT:
        return salted && add_act(worker, row, &salts, link);
    case NM_EVENT_SEAL:
        return add_seal(worker, row, link);
    case NM_EVENT_ROTATION:
        return add_rotation(worker, row, link);
    default:
        return has_no_values(row);
    }
}

/* The event as it was hashed. False when nothing that the writer writes reads like this. */
static bool read_link(struct worker *worker, sqlite3_stmt *row, struct nm_link *link)
{
    bool sound;

    memset(link, 0, sizeof *link);
    worker->looked_up_count = 0;
    link->sequence = sqlite3_column_int64(row, V_SEQUENCE);
    link->time_us = sqlite3_column_int64(row, V_TIME);
    link->id = column(row, V_ID);
    link->transaction = column(row, V_TRANSACTION);
    link->gateway = *digest(worker, TEXT, sqlite3_column_int64(row, V_GATEWAY));
    link->domain = *digest(worker, TEXT, sqlite3_column_int64(row, V_DOMAIN));
    link->target = *digest(worker, TEXT, sqlite3_column_int64(row, V_TARGET));
    link->rule = *digest(worker, TEXT, sqlite3_column_int64(row, V_RULE));
    link->config = *digest(worker, CONFIG, sqlite3_column_int64(row, V_CONFIG));
    sound = read_code(row, V_KIND, &link->kind) &&
            read_code(row, V_MATCH, &link->match) &&
            read_code(row, V_TECHNIQUE, &link->technique) &&
            read_code(row, V_ACTION, &link->action) &&
            read_code(row, V_MODE, &link->mode) &&
            read_code(row, V_OUTCOME, &link->outcome);
    link->confidence =
        is_null(row, V_CONFIDENCE) ? -1 : sqlite3_column_double(row, V_CONFIDENCE);
    link->queue_id = column(row, V_QUEUE_ID);
    return sound && add_parts(worker, row, link);
}

/* ---- the chain ---------------------------------------------------------- */

/* The era of a sequence, or NULL when no key is known. */
static const struct era *era_of(const struct verify *verify, int64_t sequence)
{
    size_t low = 0;
    size_t high = verify->era_count;

    while (low + 1 < high) {
        const size_t middle = low + (high - low) / 2;

        if (verify->eras[middle - 1].upto < sequence)
            low = middle;
        else
            high = middle;
    }
    return verify->era_count > 0 ? &verify->eras[low] : NULL;
}

/* A key that was lost announces none. Who trusts both says so himself. */
static bool is_vouched_for(const struct verify *verify, const struct era *era,
    const struct nm_checkpoint *rotation)
{
    const struct era *next = era + 1;

    return rotation->sequence == era->upto && next < verify->eras + verify->era_count &&
           nm_key_is_among(&verify->trusted, era->key) &&
           nm_key_is_among(&verify->trusted, next->key) &&
           nm_checkpoint_verify(rotation, next->key);
}

static bool is_signed(
    const struct verify *verify, const struct nm_checkpoint *checkpoint)
{
    const struct era *era = era_of(verify, checkpoint->sequence);

    return era != NULL && (nm_checkpoint_verify(checkpoint, era->key) ||
                              is_vouched_for(verify, era, checkpoint));
}

static int check_signature(
    struct worker *worker, const struct nm_link *link, const struct nm_hash *hash)
{
    const struct verify *verify = worker->verify;
    sqlite3_stmt *query = worker->statements[SIGNATURE];
    struct nm_checkpoint checkpoint = {
        .sequence = link->sequence, .time_us = link->time_us, .hash = *hash};
    bool sound;

    (void)sqlite3_bind_int64(query, 1, link->sequence);
    sound = sqlite3_step(query) == SQLITE_ROW &&
            sqlite3_column_bytes(query, 0) == NM_SIGNATURE_BYTES;
    if (sound) {
        memcpy(checkpoint.signature, sqlite3_column_blob(query, 0), NM_SIGNATURE_BYTES);
        memcpy(checkpoint.log, verify->log, NM_LOG_NAME_BYTES);
    }
    (void)sqlite3_reset(query);
    if (!sound || !is_signed(verify, &checkpoint))
        return find(worker,
            link->kind == NM_EVENT_ROTATION ? NM_FINDING_KEY : NM_FINDING_SIGNATURE,
            link->sequence, link->sequence);
    if (link->sequence > worker->signed_upto) {
        worker->signed_upto = link->sequence;
        worker->signed_us = link->time_us;
    }
    return SQLITE_OK;
}

/* `sound` is whether the event could be read as one. */
static int check_hash(struct worker *worker, const struct nm_link *link, bool sound,
    const struct link_end *end)
{
    const struct link_end *before = &worker->before;
    const struct link_end *start = &worker->verify->start;
    struct nm_hash computed;

    if (before->known && link->sequence != before->sequence + 1)
        return find(
            worker, NM_FINDING_REMOVED, before->sequence + 1, link->sequence - 1);
    if (before->known) {
        computed = nm_chain_next(&before->hash, link);
        sound = sound && nm_hash_equal(&computed, &end->hash);
    }
    if (link->sequence == start->sequence)
        sound = sound && nm_hash_equal(&start->hash, &end->hash);
    if (!sound)
        return find(worker, NM_FINDING_ALTERED, link->sequence, link->sequence);
    return SQLITE_OK;
}

static void read_hash(sqlite3_stmt *row, int at, struct nm_hash *out)
{
    *out = (struct nm_hash){{0}};
    if (sqlite3_column_bytes(row, at) == NM_HASH_BYTES)
        memcpy(out->bytes, sqlite3_column_blob(row, at), NM_HASH_BYTES);
}

static int check_row(struct worker *worker, sqlite3_stmt *row)
{
    const struct verify *verify = worker->verify;
    struct link_end end = {.known = true,
        .sequence = sqlite3_column_int64(row, V_SEQUENCE),
        .time_us = sqlite3_column_int64(row, V_TIME)};
    struct nm_link link;
    bool sound;
    int status = SQLITE_OK;

    worker->events++;
    if (end.sequence < verify->chained)
        return SQLITE_OK;
    read_hash(row, V_HASH, &end.hash);
    if (!worker->before.known && end.sequence > verify->start.sequence)
        worker->before = verify->start;
    sound = read_link(worker, row, &link);
    status = check_hash(worker, &link, sound, &end);
    if (status == SQLITE_OK &&
        (link.kind == NM_EVENT_CHECKPOINT || link.kind == NM_EVENT_SEAL ||
            link.kind == NM_EVENT_ROTATION))
        status = check_signature(worker, &link, &end.hash);
    worker->before = end;
    return status;
}

/* ---- stretches ---------------------------------------------------------- */

static int find_before(struct worker *worker, int64_t first)
{
    sqlite3_stmt *query = worker->statements[BEFORE];
    int status;

    worker->before = (struct link_end){.known = false};
    (void)sqlite3_bind_int64(query, 1, first);
    status = sqlite3_step(query);
    if (status == SQLITE_ROW &&
        sqlite3_column_int64(query, 0) >= worker->verify->chained) {
        worker->before.known = true;
        worker->before.sequence = sqlite3_column_int64(query, 0);
        worker->before.time_us = sqlite3_column_int64(query, 1);
        read_hash(query, 2, &worker->before.hash);
    }
    (void)sqlite3_reset(query);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

static int check_stretch(struct worker *worker, int64_t first, int64_t last)
{
    sqlite3_stmt *rows = worker->statements[ROWS];
    int status = find_before(worker, first);

    if (status != SQLITE_OK)
        return status;
    (void)sqlite3_bind_int64(rows, 1, first);
    (void)sqlite3_bind_int64(rows, 2, last);
    while ((status = sqlite3_step(rows)) == SQLITE_ROW) {
        status = check_row(worker, rows);
        if (status != SQLITE_OK)
            break;
    }
    (void)sqlite3_reset(rows);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Sequences are dense but for what was removed: where nothing is for long, go on where
 * something is. */
static int64_t end_of_stretch(const struct verify *verify, int64_t first)
{
    return verify->last - first < STRETCH ? verify->last : first + STRETCH - 1;
}

static void stop_all(struct worker *worker, int status)
{
    struct verify *verify = worker->verify;

    pthread_mutex_lock(&verify->lock);
    if (verify->error.code == NM_OK)
        (void)nm_sql_fail(worker->reader != NULL ? worker->reader->db : NULL,
            verify->query->path, status, &verify->error);
    pthread_mutex_unlock(&verify->lock);
    atomic_store(&verify->stopped, true);
}

static int open_worker(struct worker *worker)
{
    struct nm_error error;
    int status = SQLITE_OK;

    if (nm_audit_reader_open(worker->verify->query->path, &worker->reader, &error) !=
        NM_OK)
        return error.code == NM_NO_MEMORY ? SQLITE_NOMEM : SQLITE_CANTOPEN;
    for (size_t i = 0; i < STATEMENTS && status == SQLITE_OK; i++)
        status = nm_sql_prepare(worker->reader->db, sql_of[i], &worker->statements[i]);
    return status;
}

static void close_worker(struct worker *worker)
{
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(worker->statements[i]);
    nm_audit_reader_close(&worker->reader);
}

static void add_up(struct worker *worker)
{
    struct nm_audit_verdict *verdict = worker->verify->verdict;

    pthread_mutex_lock(&worker->verify->lock);
    verdict->events += worker->events;
    verdict->erased += worker->erased;
    if (worker->signed_upto > verdict->signed_upto) {
        verdict->signed_upto = worker->signed_upto;
        verdict->signed_us = worker->signed_us;
    }
    pthread_mutex_unlock(&worker->verify->lock);
}

static void *work(void *self)
{
    struct worker *worker = self;
    struct verify *verify = worker->verify;
    int status = open_worker(worker);

    while (status == SQLITE_OK && !atomic_load(&verify->stopped)) {
        const int64_t first = atomic_fetch_add(&verify->next, STRETCH);

        if (first > verify->last)
            break;
        status = check_stretch(worker, first, end_of_stretch(verify, first));
    }
    if (status != SQLITE_OK)
        stop_all(worker, status);
    add_up(worker);
    close_worker(worker);
    return NULL;
}

static unsigned thread_count(const struct verify *verify)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t stretches = (verify->last - verify->first) / STRETCH + 1;
    unsigned count = verify->query->threads;

    if (count == 0)
        count = processors > 0 ? (unsigned)processors : 1;
    if (count > THREADS_MAX)
        count = THREADS_MAX;
    return (int64_t)count > stretches ? (unsigned)stretches : count;
}

/* This thread works too, and alone where no other can be had. */
static void check_chain(struct verify *verify)
{
    struct worker workers[THREADS_MAX] = {{.verify = NULL}};
    const unsigned count = thread_count(verify);
    unsigned started = 0;

    for (unsigned i = 0; i < count; i++)
        workers[i].verify = verify;
    while (started + 1 < count && pthread_create(&workers[started + 1].thread, NULL,
                                      work, &workers[started + 1]) == 0)
        started++;
    (void)work(&workers[0]);
    for (unsigned i = 1; i <= started; i++)
        (void)pthread_join(workers[i].thread, NULL);
}

/* ---- what the log says of itself ---------------------------------------- */

static int read_chain(struct verify *verify, sqlite3 *db)
{
    sqlite3_stmt *query = NULL;
    int status = nm_sql_prepare(db, "SELECT log, first, key FROM chain", &query);

    if (status == SQLITE_OK)
        status = sqlite3_step(query);
    if (status == SQLITE_ROW && sqlite3_column_bytes(query, 0) == NM_LOG_NAME_BYTES) {
        memcpy(verify->log, sqlite3_column_blob(query, 0), NM_LOG_NAME_BYTES);
        verify->chained = sqlite3_column_int64(query, 1);
        if (verify->trusted.count == 0 &&
            sqlite3_column_bytes(query, 2) == NM_PUBLIC_KEY_BYTES) {
            memcpy(verify->trusted.keys[0], sqlite3_column_blob(query, 2),
                NM_PUBLIC_KEY_BYTES);
            verify->trusted.count = 1;
            verify->verdict->key_is_the_logs = true;
        }
        status = SQLITE_OK;
    } else if (status == SQLITE_ROW || status == SQLITE_DONE) {
        status = SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(query);
    return status;
}

static void copy_key(sqlite3_stmt *row, int at, uint8_t out[NM_PUBLIC_KEY_BYTES])
{
    memset(out, 0, NM_PUBLIC_KEY_BYTES); /* which nothing is signed by */
    if (sqlite3_column_bytes(row, at) == NM_PUBLIC_KEY_BYTES)
        memcpy(out, sqlite3_column_blob(row, at), NM_PUBLIC_KEY_BYTES);
}

static int find_key(struct verify *verify, int64_t sequence)
{
    return add_finding(verify, &(struct found){NM_FINDING_KEY, sequence, sequence, 0});
}

/* The era that ends with this rotation, and the one that begins. */
static int add_era(struct verify *verify, sqlite3_stmt *row)
{
    struct era *last = &verify->eras[verify->era_count - 1];
    uint8_t old_key[NM_PUBLIC_KEY_BYTES];
    int status = SQLITE_OK;

    last->upto = sqlite3_column_int64(row, 0);
    copy_key(row, 1, old_key);
    if (verify->era_count == 1)
        memcpy(last->key, old_key, sizeof old_key);
    else if (memcmp(last->key, old_key, sizeof old_key) != 0)
        status = find_key(verify, last->upto);
    last[1].upto = INT64_MAX;
    copy_key(row, 2, last[1].key);
    verify->era_count++;
    return status;
}

static int read_rotations(struct verify *verify, sqlite3 *db, int64_t count)
{
    sqlite3_stmt *query = NULL;
    int status = nm_sql_prepare(db,
        "SELECT r.sequence, r.old_key, r.new_key FROM rotation AS r"
        " JOIN event AS e ON e.sequence = r.sequence WHERE e.kind = 6"
        " AND r.sequence >= (SELECT first FROM chain) ORDER BY r.sequence LIMIT ?",
        &query);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_int64(query, 1, count);
        while ((status = sqlite3_step(query)) == SQLITE_ROW) {
            status = add_era(verify, query);
            if (status != SQLITE_OK)
                break;
        }
    }
    (void)sqlite3_finalize(query);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/* Somebody else's key could announce ours, and nothing of ours follow. */
static int check_eras(struct verify *verify, sqlite3 *db)
{
    bool is_known = false;
    int64_t follows = 0;
    int status = SQLITE_OK;

    if (verify->era_count < 2)
        return SQLITE_OK;
    for (size_t i = 0; i < verify->era_count; i++)
        is_known = is_known || memcmp(verify->eras[i].key, verify->trusted.keys[0],
                                   NM_PUBLIC_KEY_BYTES) == 0;
    status = nm_sql_number(db,
        "SELECT count(*) FROM checkpoint AS c JOIN event AS e"
        " ON e.sequence = c.sequence WHERE e.kind IN (4, 5) AND c.sequence > ?",
        verify->eras[verify->era_count - 2].upto, &follows);
    if (status == SQLITE_OK && !is_known)
        status = find_key(verify, verify->eras[0].upto);
    if (status == SQLITE_OK && follows == 0)
        status = find_key(verify, verify->eras[verify->era_count - 2].upto);
    return status;
}

/* Which key signed when. */
static int read_eras(struct verify *verify, sqlite3 *db)
{
    int64_t rotations = 0;
    int status = SQLITE_OK;

    if (verify->trusted.count == 0)
        return SQLITE_OK;
    status = nm_sql_number(db, "SELECT count(*) FROM rotation", 0, &rotations);
    if (status != SQLITE_OK)
        return status;
    verify->eras = calloc((size_t)rotations + 1, sizeof *verify->eras);
    if (verify->eras == NULL)
        return SQLITE_NOMEM;
    verify->era_count = 1;
    verify->eras[0].upto = INT64_MAX;
    memcpy(verify->eras[0].key, verify->trusted.keys[0], NM_PUBLIC_KEY_BYTES);
    status = read_rotations(verify, db, rotations);
    return status == SQLITE_OK ? check_eras(verify, db) : status;
}

/* The last seal, or the chain's beginning. */
static int read_start(struct verify *verify, sqlite3 *db)
{
    sqlite3_stmt *query = NULL;
    int status = nm_sql_prepare(
        db, "SELECT upto, hash FROM seal ORDER BY upto DESC LIMIT 1", &query);

    verify->start = (struct link_end){.known = true,
        .sequence = verify->chained - 1,
        .hash = nm_chain_begin(verify->log, verify->chained)};
    if (status == SQLITE_OK)
        status = sqlite3_step(query);
    if (status == SQLITE_ROW &&
        sqlite3_column_int64(query, 0) >= verify->start.sequence) {
        verify->start.sequence = sqlite3_column_int64(query, 0);
        verify->verdict->cut_off_upto = verify->start.sequence;
        read_hash(query, 1, &verify->start.hash);
    }
    (void)sqlite3_finalize(query);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

static int read_bounds(struct verify *verify, sqlite3 *db)
{
    int status = nm_sql_number(
        db, "SELECT coalesce(min(sequence), 0) FROM event", 0, &verify->first);

    if (status == SQLITE_OK)
        status = nm_sql_number(
            db, "SELECT coalesce(max(sequence), 0) FROM event", 0, &verify->last);
    verify->verdict->first = verify->first;
    verify->verdict->last = verify->last;
    verify->verdict->chained = verify->chained;
    atomic_store(&verify->next, verify->first);
    return status;
}

/* In one transaction, so that all is of one moment. The texts come last: they are those of
 * every event up to the last one, and perhaps of later ones. */
static int read_log(struct verify *verify, sqlite3 *db)
{
    int status = nm_sql_exec(db, "BEGIN");

    if (status == SQLITE_OK)
        status = read_chain(verify, db);
    if (status == SQLITE_OK)
        status = read_eras(verify, db);
    if (status == SQLITE_OK)
        status = read_start(verify, db);
    if (status == SQLITE_OK)
        status = read_bounds(verify, db);
    if (status == SQLITE_OK)
        status = nm_digests_read(db, "text", "value", &verify->texts);
    if (status == SQLITE_OK)
        status = nm_digests_read(db, "config", "hash", &verify->configs);
    (void)nm_sql_exec(db, "COMMIT");
    return status;
}

/* What else tells of events that are not there. */
static int check_end(struct verify *verify, sqlite3 *db)
{
    static const char sql[] =
        "SELECT max((SELECT coalesce(max(sequence), 0) FROM checkpoint),"
        " (SELECT coalesce(max(sequence), 0) FROM act),"
        " (SELECT coalesce(max(sequence), 0) FROM seal),"
        " (SELECT coalesce(max(sequence), 0) FROM rotation),"
        " (SELECT coalesce(max(sequence), 0) FROM event),"
        " (SELECT indexed FROM state))";
    struct found finding = {NM_FINDING_END, verify->last + 1, 0, 0};
    int64_t last = 0;
    int status = nm_sql_number(db, sql, 0, &finding.last);

    /* The daemon may have written meanwhile. */
    if (status == SQLITE_OK)
        status =
            nm_sql_number(db, "SELECT coalesce(max(sequence), 0) FROM event", 0, &last);
    if (status == SQLITE_OK)
        status = nm_sql_number(db,
            "SELECT coalesce((SELECT time_us FROM event WHERE sequence = ?), 0)",
            verify->last, &finding.sound_us);
    if (status != SQLITE_OK || finding.last <= last)
        return status;
    if (last > verify->last)
        finding.first = last + 1;
    return add_finding(verify, &finding);
}

/* ---- checkpoints from elsewhere ----------------------------------------- */

static int check_outside(
    struct verify *verify, sqlite3 *db, const struct nm_checkpoint *checkpoint)
{
    const struct found finding = {
        NM_FINDING_CHECKPOINT, checkpoint->sequence, checkpoint->sequence, 0};
    sqlite3_stmt *query = NULL;
    struct nm_hash hash = {{0}};
    int status =
        nm_sql_prepare(db, "SELECT hash FROM event WHERE sequence = ?", &query);

    if (status == SQLITE_OK) {
        (void)sqlite3_bind_int64(query, 1, checkpoint->sequence);
        status = sqlite3_step(query);
    }
    if (status == SQLITE_ROW)
        read_hash(query, 0, &hash);
    (void)sqlite3_finalize(query);
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        return status;
    if (status == SQLITE_DONE && checkpoint->sequence <= verify->start.sequence &&
        memcmp(checkpoint->log, verify->log, NM_LOG_NAME_BYTES) == 0)
        return SQLITE_OK; /* it was cut off, as a seal says */
    if (memcmp(checkpoint->log, verify->log, NM_LOG_NAME_BYTES) != 0 ||
        !nm_hash_equal(&hash, &checkpoint->hash))
        return add_finding(verify, &finding);
    verify->verdict->checkpoints++;
    return SQLITE_OK;
}

/* Of what was cut off the rotations are gone too, and any key that is known may have
 * signed it. */
static bool is_signed_outside(
    const struct verify *verify, const struct nm_checkpoint *checkpoint)
{
    bool is_known = nm_key_is_among(&verify->trusted, checkpoint->key);

    if (verify->era_count == 0)
        return nm_checkpoint_verify(checkpoint, checkpoint->key);
    if (checkpoint->sequence > verify->start.sequence)
        return is_signed(verify, checkpoint);
    for (size_t i = 0; i < verify->era_count; i++)
        is_known = is_known || memcmp(verify->eras[i].key, checkpoint->key,
                                   NM_PUBLIC_KEY_BYTES) == 0;
    return is_known && nm_checkpoint_verify(checkpoint, checkpoint->key);
}

/* Each line that holds one. */
static enum nm_code check_lines(
    struct verify *verify, sqlite3 *db, struct nm_error *error)
{
    static const char mark[] = NM_CHECKPOINT_MESSAGE " log=";
    const char *text = verify->query->checkpoint;
    const char *line = text != NULL ? strstr(text, mark) : NULL;
    uint64_t lines = 0;

    for (; line != NULL; line = strstr(line + 1, mark)) {
        struct nm_checkpoint checkpoint;
        int status;

        if (!nm_checkpoint_parse(line, &checkpoint))
            continue;
        if (!is_signed_outside(verify, &checkpoint))
            return nm_fail(error, NM_BAD_INPUT,
                "the checkpoint of event %lld is not signed by the key of this log",
                (long long)checkpoint.sequence);
        lines++;
        status = check_outside(verify, db, &checkpoint);
        if (status != SQLITE_OK)
            return nm_sql_fail(db, verify->query->path, status, error);
    }
    if (verify->query->checkpoint != NULL && lines == 0)
        return nm_fail(error, NM_BAD_INPUT,
            "there is no checkpoint in it: a line of the system log with \"%s log=\" "
            "and what stands behind that",
            NM_CHECKPOINT_MESSAGE);
    return NM_OK;
}

/* ---- telling ------------------------------------------------------------ */

static int compare_found(const void *left, const void *right)
{
    const struct found *a = left;
    const struct found *b = right;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Neighbours that were altered are one finding, wherever stretches met. */
static size_t join_found(struct found *found, size_t count)
{
    size_t joined = 0;

    for (size_t i = 0; i < count; i++) {
        struct found *last = joined > 0 ? &found[joined - 1] : NULL;

        if (last != NULL && last->kind == found[i].kind &&
            last->kind == NM_FINDING_ALTERED && found[i].first <= last->last + 1)
            last->last = found[i].last;
        else
            found[joined++] = found[i];
    }
    return joined;
}

static void put_range(struct nm_buf *buf, const struct found *found)
{
    if (found->first == found->last)
        nm_buf_printf(buf, "event %lld", (long long)found->first);
    else
        nm_buf_printf(buf, "events %lld to %lld", (long long)found->first,
            (long long)found->last);
}

static void describe(const struct found *found, struct nm_audit_finding *out)
{
    static const char *const what[NM_FINDING_KINDS] = {
        [NM_FINDING_ALTERED] = "not what was written there: changed, inserted or moved",
        [NM_FINDING_REMOVED] = "missing: removed, with others left behind them",
        [NM_FINDING_END] = "missing at the end of the log, where other tables still "
                           "tell of them",
        [NM_FINDING_SIGNATURE] =
            "a checkpoint without the signature of the key: what stands before it was "
            "written anew, or signed with another key",
        [NM_FINDING_KEY] =
            "a change of the signing key that the keys known here do not vouch for: "
            "forged, or made after the key was lost (--key with both keys vouches)",
        [NM_FINDING_CHECKPOINT] =
            "not what the checkpoint from elsewhere says: the log up to there was "
            "written anew, cut off at its end, or is another log",
    };
    struct nm_buf buf;

    *out = (struct nm_audit_finding){.kind = found->kind,
        .first = found->first,
        .last = found->last,
        .sound_us = found->sound_us};
    nm_buf_init(&buf, out->what, sizeof out->what);
    put_range(&buf, found);
    nm_buf_printf(
        &buf, " %s %s", found->first == found->last ? "is" : "are", what[found->kind]);
}

static void tell(struct verify *verify,
    void (*each)(void *self, const struct nm_audit_finding *finding), void *self)
{
    size_t count;

    if (verify->found_count > 0)
        qsort(verify->found, verify->found_count, sizeof *verify->found, compare_found);
    count = join_found(verify->found, verify->found_count);
    verify->verdict->findings = count + verify->not_kept;
    for (size_t i = 0; i < count && i < NM_AUDIT_FINDINGS_MAX; i++) {
        struct nm_audit_finding finding;

        describe(&verify->found[i], &finding);
        each(self, &finding);
    }
}

/* What was cut off by a seal that came meanwhile is not missing. */
static int forgive_sealed(struct verify *verify, sqlite3 *db)
{
    int64_t upto = 0;
    size_t kept = 0;
    const int status =
        nm_sql_number(db, "SELECT coalesce(max(upto), 0) FROM seal", 0, &upto);

    if (status != SQLITE_OK || upto <= verify->start.sequence)
        return status;
    for (size_t i = 0; i < verify->found_count; i++)
        if (verify->found[i].first > upto + 1)
            verify->found[kept++] = verify->found[i];
    verify->found_count = kept;
    return SQLITE_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static enum nm_code read_key(struct verify *verify, struct nm_error *error)
{
    const struct nm_audit_verify_query *query = verify->query;
    char beside[4096];
    struct nm_error ignored;

    if (query->key != NULL)
        return nm_key_read_publics(query->key, &verify->trusted, error);
    (void)snprintf(beside, sizeof beside, "%s-key.pub", query->path);
    if (nm_key_read_publics(beside, &verify->trusted, &ignored) != NM_OK)
        verify->trusted.count = 0;
    return NM_OK;
}

static enum nm_code verify_with(
    struct verify *verify, struct nm_audit_reader *reader, struct nm_error *error)
{
    enum nm_code code = read_key(verify, error);
    int status;

    if (code != NM_OK)
        return code;
    status = read_log(verify, reader->db);
    if (status == SQLITE_OK)
        code = check_lines(verify, reader->db, error);
    if (status == SQLITE_OK && code == NM_OK && verify->last > 0)
        check_chain(verify);
    if (status == SQLITE_OK && code == NM_OK)
        status = check_end(verify, reader->db);
    if (status == SQLITE_OK && code == NM_OK)
        status = forgive_sealed(verify, reader->db);
    if (status != SQLITE_OK)
        return nm_sql_fail(reader->db, verify->query->path, status, error);
    if (code == NM_OK && verify->error.code != NM_OK) {
        *error = verify->error;
        code = verify->error.code;
    }
    return code;
}

enum nm_code nm_audit_verify(const struct nm_audit_verify_query *query,
    void (*each)(void *self, const struct nm_audit_finding *finding), void *self,
    struct nm_audit_verdict *verdict, struct nm_error *error)
{
    struct verify verify = {.query = query,
        .verdict = verdict,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .error = {.code = NM_OK}};
    struct nm_audit_reader *reader = NULL;
    enum nm_code code = nm_audit_reader_open(query->path, &reader, error);

    *verdict = (struct nm_audit_verdict){.first = 0};
    if (code == NM_OK)
        code = verify_with(&verify, reader, error);
    if (code == NM_OK)
        tell(&verify, each, self);
    nm_audit_reader_close(&reader);
    nm_digests_free(&verify.texts);
    nm_digests_free(&verify.configs);
    free(verify.eras);
    free(verify.found);
    return code;
}
