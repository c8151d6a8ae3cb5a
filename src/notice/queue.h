/* The database of notices. One user at a time. */
#ifndef NM_NOTICE_QUEUE_H
#define NM_NOTICE_QUEUE_H

#include "compose.h"

struct nm_notice_queue;

/* NM_SYSTEM, also when another process has it; NM_BAD_INPUT, NM_NO_MEMORY. */
enum nm_code nm_notice_queue_open(
    const char *path, struct nm_notice_queue **out, struct nm_error *error);
void nm_notice_queue_close(struct nm_notice_queue **queue);

/* Everything that is put between the two is durable once `end` has returned NM_OK, and
 * else is not there. */
enum nm_code nm_notice_queue_begin(
    struct nm_notice_queue *queue, struct nm_error *error);
enum nm_code nm_notice_queue_end(
    struct nm_notice_queue *queue, bool keep, struct nm_error *error);

/* Note that the reader is told of an entry; `*is_new` is whether that was not so before. */
enum nm_code nm_notice_queue_tell(struct nm_notice_queue *queue,
    const struct nm_id *entry, enum nm_notice_reader reader, int64_t now_us,
    bool *is_new, struct nm_error *error);

/* How many notices were made for the address since then and up to now; how many wait to be
 * sent. Those of the future, which a clock that was put back has left, do not count. */
enum nm_code nm_notice_queue_count(struct nm_notice_queue *queue, const char *address,
    int64_t since_us, int64_t upto_us, uint64_t *made, uint64_t *waiting,
    struct nm_error *error);

struct nm_notice_mail {
    struct nm_id id;
    enum nm_notice_reader reader;
    struct nm_id decision;
    char address[NM_NOTICE_ADDRESS_MAX + 1];
    int64_t made_us;
    unsigned tries;
    char *content; /* owned */
    size_t length;
};

enum nm_code nm_notice_queue_put(struct nm_notice_queue *queue,
    const struct nm_notice_mail *mail, struct nm_error *error);

/* The mail that has been due for the longest time; `content` is for free(). With none due
 * at `now_us`, `out->content` is NULL and `*next_us` is when the next one is, or
 * INT64_MAX. */
enum nm_code nm_notice_queue_due(struct nm_notice_queue *queue, int64_t now_us,
    struct nm_notice_mail *out, int64_t *next_us, struct nm_error *error);

/* Try it again then. */
enum nm_code nm_notice_queue_put_off(struct nm_notice_queue *queue,
    const struct nm_id *id, int64_t due_us, struct nm_error *error);

/* It was sent, or given up. */
enum nm_code nm_notice_queue_done(
    struct nm_notice_queue *queue, const struct nm_id *id, struct nm_error *error);

/* Forget what was done with before. */
enum nm_code nm_notice_queue_forget(
    struct nm_notice_queue *queue, int64_t before_us, struct nm_error *error);

#endif
