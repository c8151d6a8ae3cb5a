/* Counts in and out of the database. */
#include "database.h"
#include "stored.h"

/* ---- out ---------------------------------------------------------------- */

static int take_count(void *self, sqlite3_stmt *row)
{
    struct nm_domain domain;
    const int64_t messages = sqlite3_column_int64(row, 1);

    if (messages <= 0 || !nm_stored_domain(row, 0, &domain))
        return SQLITE_CORRUPT;
    return nm_counts_add(self, &domain, (uint64_t)messages) == NM_OK ? SQLITE_OK
                                                                     : SQLITE_NOMEM;
}

enum nm_code nm_state_counts(
    struct nm_state *state, struct nm_counts **out, struct nm_error *error)
{
    struct nm_counts *counts = NULL;
    enum nm_code code = nm_counts_new(&counts);

    if (code != NM_OK)
        return nm_fail(error, code, "%s: out of memory", state->path);
    code = nm_state_each(state, "SELECT domain, messages FROM history ORDER BY domain",
        take_count, counts, error);
    if (code != NM_OK) {
        nm_counts_free(&counts);
        return code;
    }
    *out = counts;
    return NM_OK;
}

/* ---- in ----------------------------------------------------------------- */

struct import {
    const struct nm_counts *counts;
    int64_t now_us;
};

static int put_count(
    sqlite3_stmt *put, sqlite3_stmt *take_out, const struct nm_count *count)
{
    sqlite3_stmt *statement = count->messages > 0 ? put : take_out;

    (void)sqlite3_bind_text(
        statement, 1, count->domain.name, count->domain.length, SQLITE_STATIC);
    if (count->messages > 0)
        (void)sqlite3_bind_int64(statement, 2, (int64_t)count->messages);
    return nm_sql_run(statement);
}

static int put_counts(sqlite3 *db, void *self)
{
    const struct import *import = self;
    sqlite3_stmt *put = NULL;
    sqlite3_stmt *take_out = NULL;
    int status = nm_sql_prepare(db,
        "INSERT INTO history VALUES (?1, ?2, ?3) ON CONFLICT (domain) DO UPDATE"
        " SET messages = ?2, imported_us = ?3",
        &put);

    if (status == SQLITE_OK)
        status = nm_sql_prepare(db, "DELETE FROM history WHERE domain = ?", &take_out);
    if (status == SQLITE_OK)
        (void)sqlite3_bind_int64(put, 3, import->now_us);
    for (size_t i = 0; status == SQLITE_OK && i < nm_counts_size(import->counts); i++) {
        struct nm_count count;

        nm_counts_get(import->counts, i, &count);
        status = put_count(put, take_out, &count);
    }
    (void)sqlite3_finalize(put);
    (void)sqlite3_finalize(take_out);
    return status;
}

enum nm_code nm_state_import(struct nm_state *state, const struct nm_counts *counts,
    int64_t now_us, struct nm_error *error)
{
    struct import import = {.counts = counts, .now_us = now_us};

    return nm_state_change(state, put_counts, &import, error);
}

/* ---- contacts ----------------------------------------------------------- */

struct gathering {
    const struct nm_names *names;
    struct nm_contacts *contacts;
    enum nm_code code; /* NM_LIMIT: no room for all of them */
};

static int take_contact(struct gathering *gathering, const char *name, size_t length)
{
    const enum nm_code code = nm_contacts_add(gathering->contacts, name, length, NULL);

    if (code == NM_LIMIT)
        gathering->code = code;
    return code == NM_NO_MEMORY ? SQLITE_NOMEM : SQLITE_OK;
}

static int take_noted(void *self, sqlite3_stmt *row)
{
    struct nm_domain domain;

    return nm_stored_domain(row, 0, &domain)
               ? take_contact(self, domain.name, domain.length)
               : SQLITE_CORRUPT;
}

static int take_counted(void *self, sqlite3_stmt *row)
{
    struct gathering *gathering = self;
    struct nm_domain domain;
    struct nm_domain_parts parts;

    if (!nm_stored_domain(row, 0, &domain))
        return SQLITE_CORRUPT;
    parts = nm_domain_split(gathering->names, &domain);
    return take_contact(self, domain.name + parts.registrable,
        (size_t)domain.length - parts.registrable);
}

enum nm_code nm_state_contacts(struct nm_state *state, const struct nm_names *names,
    struct nm_contacts *out, struct nm_error *error)
{
    struct gathering gathering = {.names = names, .contacts = out};
    enum nm_code code = nm_state_each(
        state, "SELECT domain FROM contact", take_noted, &gathering, error);

    if (code == NM_OK)
        code = nm_state_each(
            state, "SELECT domain FROM history", take_counted, &gathering, error);
    if (code == NM_OK && gathering.code != NM_OK)
        return nm_fail(error, NM_LIMIT, "%s: more than %d domains are known",
            state->path, NM_CONTACTS_MAX);
    return code;
}

struct note {
    const struct nm_domain *domains;
    size_t count;
    int64_t now_us;
};

static int put_contacts(sqlite3 *db, void *self)
{
    const struct note *note = self;
    sqlite3_stmt *put = NULL;
    int status =
        nm_sql_prepare(db, "INSERT OR IGNORE INTO contact VALUES (?, ?)", &put);

    for (size_t i = 0; status == SQLITE_OK && i < note->count; i++) {
        (void)sqlite3_bind_text(
            put, 1, note->domains[i].name, note->domains[i].length, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 2, note->now_us);
        status = nm_sql_run(put);
    }
    (void)sqlite3_finalize(put);
    return status;
}

enum nm_code nm_state_note_contacts(struct nm_state *state,
    const struct nm_domain *domains, size_t count, int64_t now_us,
    struct nm_error *error)
{
    struct note note = {.domains = domains, .count = count, .now_us = now_us};

    return nm_state_change(state, put_contacts, &note, error);
}
