#include "memory_quarantine.h"

#include <stdlib.h>
#include <string.h>

struct nm_spool {
    char content[4 * MEMORY_TEXT_MAX];
    struct nm_buf buf;
};

static enum nm_code begin_spool(void *self, const struct nm_id *transaction,
    struct nm_spool **out, struct nm_error *error)
{
    struct memory_quarantine *quarantine = self;
    struct nm_spool *spool;

    (void)transaction;
    if (quarantine->begin_fails != NM_OK)
        return nm_fail(error, quarantine->begin_fails, "no new ones");
    spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        abort();
    nm_buf_init(&spool->buf, spool->content, sizeof spool->content);
    quarantine->open++;
    *out = spool;
    return NM_OK;
}

static enum nm_code write_spool(void *self, struct nm_spool *spool,
    enum nm_content content, const char *bytes, size_t length, struct nm_error *error)
{
    struct memory_quarantine *quarantine = self;

    (void)content;
    if (quarantine->write_fails != NM_OK)
        return nm_fail(error, quarantine->write_fails, "no more bytes");
    nm_buf_put(&spool->buf, bytes, length);
    return NM_OK;
}

static void drop(void *self, struct nm_spool **spool)
{
    struct memory_quarantine *quarantine = self;

    if (*spool == NULL)
        return;
    quarantine->open--;
    free(*spool);
    *spool = NULL;
}

static void copy(char out[MEMORY_TEXT_MAX], struct nm_bytes bytes)
{
    struct nm_buf buf;

    nm_buf_init(&buf, out, MEMORY_TEXT_MAX);
    nm_buf_put(&buf, bytes.data, bytes.length);
}

static void keep(struct memory_quarantine *quarantine, const struct nm_spool *spool,
    const struct nm_spool_message *message, const struct nm_spool_recipient *recipient)
{
    struct memory_kept *kept = &quarantine->kept[quarantine->count++];

    if (quarantine->count == MEMORY_KEPT_MAX)
        abort();
    memset(kept, 0, sizeof *kept);
    kept->id = recipient->id;
    kept->transaction = message->transaction;
    copy(kept->sender, message->sender);
    copy(kept->recipient, recipient->recipient);
    (void)nm_copy(kept->arguments, sizeof kept->arguments, recipient->arguments);
    memcpy(kept->content, spool->content, sizeof kept->content);
}

static enum nm_code commit_spool(void *self, struct nm_spool **spool,
    const struct nm_spool_message *message, struct nm_error *error)
{
    struct memory_quarantine *quarantine = self;
    const enum nm_code code = quarantine->commit_fails;

    for (struct nm_spool_recipient *recipient = message->recipients;
         recipient != NULL && code == NM_OK; recipient = recipient->next) {
        char text[MEMORY_TEXT_MAX];

        copy(text, recipient->recipient);
        recipient->is_released =
            text[0] != '\0' && strcmp(text, quarantine->lets_by) == 0;
        if (recipient->is_released)
            quarantine->lets_by[0] = '\0';
        else
            keep(quarantine, *spool, message, recipient);
    }
    drop(self, spool);
    return code == NM_OK ? NM_OK : nm_fail(error, code, "not now");
}

static bool expects(void *self, struct nm_bytes sender, struct nm_bytes recipient)
{
    const struct memory_quarantine *quarantine = self;
    char text[MEMORY_TEXT_MAX];

    (void)sender;
    copy(text, recipient);
    return text[0] != '\0' && strcmp(text, quarantine->lets_by) == 0;
}

struct nm_quarantine_port memory_quarantine_port(struct memory_quarantine *quarantine)
{
    return (struct nm_quarantine_port){.self = quarantine,
        .begin = begin_spool,
        .write = write_spool,
        .commit = commit_spool,
        .drop = drop,
        .expects = expects};
}
