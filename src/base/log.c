#include <nearmiss/base.h>

void nm_log_write(const struct nm_log *log, enum nm_log_level level,
    const char *message, const struct nm_log_field *fields, size_t field_count)
{
    if (log != NULL && log->write != NULL)
        log->write(log->self, level, message, fields, field_count);
}
