/*
 * Nearmiss base: errors, arenas, capped text buffers, identifiers, and the
 * interfaces through which pure code reaches a log, a clock and randomness.
 *
 * This layer uses the C library's memory, string and formatting functions only.
 * It opens no file and no socket, takes no lock, reads no clock and starts no
 * thread. Every function may be called from any thread as long as two threads do
 * not use one object at the same time.
 */
#ifndef NEARMISS_BASE_H
#define NEARMISS_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NM_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define NM_WARN_UNUSED __attribute__((warn_unused_result))
#else
#define NM_PRINTF(at, first)
#define NM_WARN_UNUSED
#endif

#define NM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- errors ------------------------------------------------------------- */

/* What kind of failure; NM_OK is 0, so that a code can be tested as a truth. */
enum nm_code {
    NM_OK = 0,
    NM_NO_MEMORY, /* an allocation failed; nothing was changed */
    NM_BAD_INPUT, /* the outside world gave something that cannot be used */
    NM_LIMIT,     /* a cap that the callee documents was reached */
    NM_SYSTEM,    /* the operating system or a library refused; see the message */
    NM_TIMEOUT,   /* a bounded wait ended */
    NM_STOPPED    /* the part asked is shutting down */
};

enum { NM_ERROR_MESSAGE_MAX = 512, NM_ERROR_FILE_MAX = 256 };

/* A failure and its context. Owned by the caller, written by the callee only when
 * it fails. `file` is empty and `line` 0 where no text file is to blame. */
struct nm_error {
    enum nm_code code;
    unsigned line;
    char file[NM_ERROR_FILE_MAX];
    char message[NM_ERROR_MESSAGE_MAX];
};

/* Fill `error` (which may be NULL) and return `code`, for `return nm_fail(...)`.
 * A message that is too long is cut. */
enum nm_code nm_fail(struct nm_error *error, enum nm_code code, const char *format, ...)
    NM_PRINTF(3, 4);

/* The same, blaming a line of a file. */
enum nm_code nm_fail_at(struct nm_error *error, enum nm_code code, const char *file,
    unsigned line, const char *format, ...) NM_PRINTF(5, 6);

/* ---- arena -------------------------------------------------------------- */

/* Memory that is given back all at once: one for each mail transaction, one for each
 * configuration. An arena never grows past its cap. */
struct nm_arena;

/* An arena that may hold up to `cap_bytes`. NM_NO_MEMORY on failure. */
enum nm_code nm_arena_new(size_t cap_bytes, struct nm_arena **out);

/* `size` bytes, zeroed, aligned for any type; NULL at the cap or out of memory. */
void *nm_arena_alloc(struct nm_arena *arena, size_t size) NM_WARN_UNUSED;

/* A copy of `length` bytes with a NUL behind; NULL as above. */
char *nm_arena_copy(
    struct nm_arena *arena, const char *bytes, size_t length) NM_WARN_UNUSED;

/* Forget everything that was allocated, and keep one block for the next round. */
void nm_arena_reset(struct nm_arena *arena);

/* Bytes handed out since the arena was made or reset. */
size_t nm_arena_used(const struct nm_arena *arena);

void nm_arena_free(struct nm_arena **arena);

/* ---- capped text buffer ------------------------------------------------- */

/* Text in memory that the caller owns. Always NUL-terminated. What does not fit is cut
 * and `truncated` is set; nothing fails. */
struct nm_buf {
    char *text;
    size_t capacity; /* bytes of `text`, the NUL included; at least 1 */
    size_t length;   /* bytes written, without the NUL */
    bool truncated;
};

void nm_buf_init(struct nm_buf *buf, char *memory, size_t capacity);
void nm_buf_put(struct nm_buf *buf, const char *bytes, size_t length);
void nm_buf_puts(struct nm_buf *buf, const char *text);
void nm_buf_printf(struct nm_buf *buf, const char *format, ...) NM_PRINTF(2, 3);

/* ---- text --------------------------------------------------------------- */

/* Copy `text` into `out` of `size` bytes (at least 1), cut to fit, NUL-terminated.
 * Returns whether it fitted. */
bool nm_copy(char *out, size_t size, const char *text);

/* ASCII only, whatever the locale. */
char nm_ascii_lower(char c);
bool nm_ascii_equal_nocase(const char *a, const char *b);

/* Length in bytes (1..4) of the valid UTF-8 sequence at `bytes`, its code point in
 * `*code_point`; 0 when the bytes are not valid UTF-8 (surrogates and overlong forms
 * are not). RFC 3629, section 4. */
size_t nm_utf8_decode(const char *bytes, size_t length, uint32_t *code_point);

/* The next character of text that may be hostile, as a terminal or a log may show it:
 * itself, or an escape when it is no valid UTF-8 (`\xff`), a control (`\x1b`), or
 * another character that changes what is around it or cannot be seen (`\u{202e}`); a
 * backslash is doubled, so that no text passes for an escape. `length` is at least 1.
 * Returns how many bytes it was, `out` is terminated. */
enum { NM_VISIBLE_MAX = 10 };
size_t nm_visible(const char *bytes, size_t length, char out[NM_VISIBLE_MAX + 1]);

/* All of it; when there is no room, cut between characters and marked as truncated. */
void nm_buf_put_visible(struct nm_buf *buf, const char *bytes, size_t length);

/* The one of `count` names that `word` was probably meant to be, or NULL: the nearest by
 * edits (a swap of neighbours is one), if it is near for its length. */
const char *nm_suggest(const char *word,
    const char *(*name)(const void *names, size_t i), const void *names, size_t count);

/* ---- templates ---------------------------------------------------------- */

/* Text with `%{name}` for what is put in and `%%` for a percent sign. */
struct nm_template_names {
    const char *const *names;
    size_t count;
};

/* Whether `text` can be used: UTF-8 of 1 to `bytes_max` bytes, without control characters
 * but, with `takes_lines`, tabs and ends of lines. If not, `why` says what is wrong. */
bool nm_template_check_text(const char *text, const struct nm_template_names *names,
    size_t bytes_max, bool takes_lines, struct nm_buf *why);

/* Expand a template that was checked; `values` are those of `names`. */
void nm_template_expand_text(const char *text, const struct nm_template_names *names,
    const char *const *values, struct nm_buf *out);

/* Whether the value stands in a template that was checked. */
bool nm_template_uses_value(
    const char *text, const struct nm_template_names *names, size_t value);

/* ---- identifiers -------------------------------------------------------- */

/* A reference to an audit row, or to a transaction: a ULID, 48 bits of milliseconds
 * since 1970 and 80 random bits in Crockford's base 32, so that text order is time
 * order. Source: https://github.com/ulid/spec. */
enum { NM_ID_LENGTH = 26, NM_ID_RANDOM_BYTES = 10 };

struct nm_id {
    char text[NM_ID_LENGTH + 1];
};

struct nm_id nm_id_make(int64_t time_us, const uint8_t random[NM_ID_RANDOM_BYTES]);

/* ---- interfaces to the world -------------------------------------------- */

enum nm_log_level {
    NM_LOG_ERROR,
    NM_LOG_WARNING,
    NM_LOG_NOTICE,
    NM_LOG_INFO,
    NM_LOG_DEBUG
};

/* One `key=value` of a structured log line. Keys are lower-case words. The value is
 * untrusted: the log escapes it. */
struct nm_log_field {
    const char *key;
    const char *value;
};

/* Where log lines go. `write` may be called from any thread. */
struct nm_log {
    void *self;
    void (*write)(void *self, enum nm_log_level level, const char *message,
        const struct nm_log_field *fields, size_t field_count);
};

/* Log through `log`, which may be NULL (the line is dropped). */
void nm_log_write(const struct nm_log *log, enum nm_log_level level,
    const char *message, const struct nm_log_field *fields, size_t field_count);

/* `nm_log(log, level, "what", {"key", value}, ...)` */
#define nm_log(log, level, message, ...)                                               \
    nm_log_write((log), (level), (message),                                            \
        (const struct nm_log_field[]){__VA_ARGS__},                                    \
        sizeof((const struct nm_log_field[]){__VA_ARGS__}) /                           \
            sizeof(struct nm_log_field))

/* Wall clock, microseconds since 1970-01-01T00:00:00Z. Any thread. */
struct nm_clock {
    void *self;
    int64_t (*now_us)(void *self);
};

/* Unpredictable bytes. Any thread. Cannot fail. */
struct nm_random {
    void *self;
    void (*fill)(void *self, void *bytes, size_t size);
};

#ifdef __cplusplus
}
#endif

#endif
