/*
 * A quarantine whose index is from somebody else: it is listed, its messages are read, it
 * takes another, and lets the old ones expire. A file outside the quarantine is neither
 * read nor removed, whatever the index says of names.
 */
#include "changed_database.h"

#include "quarantine/quarantine.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static const int64_t day_us = INT64_C(86400) * 1000000;
static int64_t now_us = INT64_C(1717200000) * 1000000;
static char outside[96];
static ino_t outside_inode;

static int64_t tell_now(void *self)
{
    (void)self;
    return now_us;
}

static struct nm_quarantine_options options(void)
{
    return (struct nm_quarantine_options){.folder = database.folder,
        .bytes_max = 1 << 20,
        .keep_days = 30,
        .clock = {.now_us = tell_now}};
}

static void remove_folder(const char *name)
{
    char path[sizeof database.folder + 16];
    struct dirent *entry;
    DIR *folder;

    (void)snprintf(path, sizeof path, "%s/%s", database.folder, name);
    folder = opendir(path);
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    (void)closedir(folder);
    (void)rmdir(path);
}

static void clean_up(void)
{
    char path[sizeof database.folder + 16];

    remove_folder("messages");
    remove_folder("incoming");
    (void)snprintf(path, sizeof path, "%s/lock", database.folder);
    (void)unlink(path);
    (void)unlink(outside);
}

/* Keep a message; whether it is kept. */
static bool keep(
    struct nm_quarantine *quarantine, uint8_t number, struct nm_error *error)
{
    const struct nm_quarantine_port port = nm_quarantine_port(quarantine);
    const uint8_t random[NM_ID_RANDOM_BYTES] = {number};
    struct nm_spool_recipient recipient = {.id = nm_id_make(now_us / 1000, random),
        .recipient = {"bob@army.ml", 11},
        .arguments = "NOTIFY=NEVER",
        .domain = "army.ml",
        .target = "army.mil",
        .rule = "keep"};
    const struct nm_spool_message message = {.transaction = recipient.id,
        .time_us = now_us,
        .sender = {"a@example.org", 13},
        .arguments = "BODY=8BITMIME",
        .client = "192.0.2.7",
        .auth = "",
        .queue_id = "4XYZ",
        .recipients = &recipient};
    const char text[] = {(char)('a' + number % 26), '\n'};
    struct nm_spool *spool = NULL;

    if (port.begin(port.self, &message.transaction, &spool, error) != NM_OK)
        return false;
    if (port.write(port.self, spool, NM_CONTENT_BODY, text, sizeof text, error) !=
        NM_OK) {
        port.drop(port.self, &spool);
        return false;
    }
    return port.commit(port.self, &spool, &message, error) == NM_OK;
}

static void prepare(void)
{
    const struct nm_quarantine_options how = options();
    struct nm_quarantine *quarantine = NULL;
    struct nm_error error;
    struct stat status;
    int file;

    database_begin("index.db", clean_up);
    (void)snprintf(outside, sizeof outside, "%s/outside", database.folder);
    file = open(outside, O_CREAT | O_WRONLY, 0600);
    must(file >= 0 && fstat(file, &status) == 0 && close(file) == 0, outside);
    outside_inode = status.st_ino;
    must(nm_quarantine_new(&how, &quarantine) == NM_OK, "new");
    for (uint8_t i = 0; i < 8; i++)
        must(keep(quarantine, i, &error), "keep");
    nm_quarantine_close(&quarantine);
    database_take("");
}

/* ---- the target --------------------------------------------------------- */

struct seen {
    char ids[32][NM_ID_LENGTH + 1];
    size_t count;
};

static bool look(void *self, const struct nm_kept_entry *entry)
{
    struct seen *seen = self;
    size_t length = strlen(entry->sender_arguments) + strlen(entry->domain) +
                    strlen(entry->rule) + strlen(entry->client) +
                    strlen(entry->queue_id) + strlen(entry->transaction) +
                    strlen(nm_kept_state_name(entry->state));

    for (size_t i = 0; i < entry->recipient.length; i++)
        length += (uint8_t)entry->recipient.data[i];
    if (length == 0)
        abort();
    if (nm_copy(seen->ids[seen->count], sizeof seen->ids[0], entry->id))
        seen->count++;
    return seen->count < NM_COUNT(seen->ids);
}

static bool agree(void *self, const struct nm_kept_entry *entry)
{
    (void)self;
    (void)entry;
    return true;
}

static void read_each(struct nm_quarantine *quarantine, const struct seen *seen)
{
    struct nm_error error;
    struct stat status;

    for (size_t i = 0; i < seen->count; i++) {
        struct nm_queue_id queue_id;
        int file = -1;

        (void)nm_quarantine_passed(quarantine, seen->ids[i], &queue_id, &error);
        if (nm_quarantine_read(quarantine, seen->ids[i], &file, &error) != NM_OK)
            continue;
        must(fstat(file, &status) == 0, "fstat");
        if (status.st_ino == outside_inode)
            abort();
        (void)close(file);
    }
}

static void review(void)
{
    const struct nm_quarantine_options how = options();
    struct nm_quarantine *quarantine = NULL;
    struct seen seen = {.count = 0};
    struct nm_error error;

    if (nm_quarantine_open(&how, &quarantine, &error) != NM_OK || quarantine == NULL)
        return;
    (void)nm_quarantine_list(quarantine, NULL, look, &seen, &error);
    read_each(quarantine, &seen);
    for (size_t i = 0; i < seen.count; i++)
        (void)nm_quarantine_change(quarantine, seen.ids[i],
            1U << NM_KEPT_WAITING | 1U << NM_KEPT_RELEASING, NM_KEPT_RELEASING,
            "bob@army.mil", &error);
    nm_quarantine_close(&quarantine);
}

/* As the daemon: what it says it keeps is kept. */
static void take_in(void)
{
    const struct nm_quarantine_options how = options();
    struct nm_quarantine *quarantine = NULL;
    struct nm_error error;

    must(nm_quarantine_new(&how, &quarantine) == NM_OK, "new");
    (void)nm_quarantine_port(quarantine)
        .expects(nm_quarantine_port(quarantine).self,
            (struct nm_bytes){"a@example.org", 13},
            (struct nm_bytes){"bob@army.mil", 12});
    (void)keep(quarantine, 77, &error);
    now_us += 31 * day_us;
    (void)nm_quarantine_sweep(quarantine, agree, NULL, &error);
    now_us -= 31 * day_us;
    nm_quarantine_close(&quarantine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (database.size == 0)
        prepare();
    if (size == 0)
        return 0;
    database_put(data, size);
    review();
    take_in();
    must(access(outside, F_OK) == 0, "a file outside is gone");
    return 0;
}
