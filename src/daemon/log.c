#include "log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static const struct {
    const char *name;
    int priority; /* of syslog(3), and of the `<N>` that journald reads on stderr */
} levels[] = {
    [NM_LOG_ERROR] = {"error", LOG_ERR},
    [NM_LOG_WARNING] = {"warning", LOG_WARNING},
    [NM_LOG_NOTICE] = {"notice", LOG_NOTICE},
    [NM_LOG_INFO] = {"info", LOG_INFO},
    [NM_LOG_DEBUG] = {"debug", LOG_DEBUG},
};

static atomic_bool to_syslog;
static atomic_bool to_journal; /* systemd reads our stderr */
static atomic_int lowest = NM_LOG_INFO;

static bool is_plain(const char *value)
{
    if (*value == '\0')
        return false;
    for (; *value != '\0'; value++) {
        if (*value <= ' ' || *value == '"' || *value == '=' || *value == '\\' ||
            *value == 0x7f)
            return false;
    }
    return true;
}

/* In quotes unless it is a plain word; what is not printable ASCII as `\xNN`. */
static void put_value(struct nm_buf *line, const char *value)
{
    if (is_plain(value)) {
        nm_buf_puts(line, value);
        return;
    }
    nm_buf_puts(line, "\"");
    for (; *value != '\0'; value++) {
        const unsigned char byte = (unsigned char)*value;

        if (byte < 0x20 || byte >= 0x7f)
            nm_buf_printf(line, "\\x%02x", byte);
        else if (byte == '"' || byte == '\\')
            nm_buf_printf(line, "\\%c", byte);
        else
            nm_buf_put(line, value, 1);
    }
    nm_buf_puts(line, "\"");
}

static void write_line(void *self, enum nm_log_level level, const char *message,
    const struct nm_log_field *fields, size_t field_count)
{
    char text[LINE_MAX_BYTES];
    struct nm_buf line;

    (void)self;
    if ((int)level > atomic_load(&lowest))
        return;
    nm_buf_init(&line, text, sizeof text - 1);
    if (!atomic_load(&to_syslog)) {
        if (atomic_load(&to_journal))
            nm_buf_printf(&line, "<%d>", levels[level].priority);
        nm_buf_printf(&line, "nearmissd: %s: ", levels[level].name);
    }
    nm_buf_puts(&line, message);
    for (size_t i = 0; i < field_count; i++) {
        nm_buf_printf(&line, " %s=", fields[i].key);
        put_value(&line, fields[i].value);
    }
    if (atomic_load(&to_syslog)) {
        syslog(levels[level].priority, "%s", text);
        return;
    }
    text[line.length] = '\n';
    /* One write a line, so that lines of several threads do not mix. */
    if (write(STDERR_FILENO, text, line.length + 1) < 0)
        return;
}

static const struct nm_log process_log = {NULL, write_line};

const struct nm_log *nm_process_log(void)
{
    return &process_log;
}

void nm_log_configure(bool use_syslog, enum nm_log_level level)
{
    if (use_syslog)
        openlog("nearmissd", LOG_PID, LOG_MAIL);
    atomic_store(&to_syslog, use_syslog);
    atomic_store(&to_journal, getenv("JOURNAL_STREAM") != NULL);
    atomic_store(&lowest, (int)level);
}
