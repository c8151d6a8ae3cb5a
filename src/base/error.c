#include <nearmiss/base.h>

#include <stdio.h>

static void set(struct nm_error *error, enum nm_code code, const char *file,
    unsigned line, const char *format, va_list arguments) NM_PRINTF(5, 0);

static void set(struct nm_error *error, enum nm_code code, const char *file,
    unsigned line, const char *format, va_list arguments)
{
    if (error == NULL)
        return;
    error->code = code;
    error->line = line;
    (void)nm_copy(error->file, sizeof error->file, file);
    (void)vsnprintf(error->message, sizeof error->message, format, arguments);
}

enum nm_code nm_fail(struct nm_error *error, enum nm_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set(error, code, "", 0, format, arguments);
    va_end(arguments);
    return code;
}

enum nm_code nm_fail_at(struct nm_error *error, enum nm_code code, const char *file,
    unsigned line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set(error, code, file, line, format, arguments);
    va_end(arguments);
    return code;
}
