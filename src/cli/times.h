/* Times as options give them and as output shows them. All in UTC. */
#ifndef NM_CLI_TIMES_H
#define NM_CLI_TIMES_H

#include <nearmiss/base.h>

/* `2026-03-01T12:00:00Z`, with a fraction and an offset if need be; a date alone, which
 * is its midnight in UTC; or a time before `now_us`: `90s`, `15m`, `24h`, `30d`, `2w`.
 * RFC 3339, 5.6; a leap second counts as the second before it. */
bool nm_time_parse(const char *text, int64_t now_us, int64_t *out);

/* The same, with relative times after `now_us`. */
bool nm_time_parse_ahead(const char *text, int64_t now_us, int64_t *out);

/* `2026-03-01T12:00:00.123Z`. */
enum { NM_TIME_TEXT_MAX = 80 };
struct nm_time_text {
    char text[NM_TIME_TEXT_MAX];
};
struct nm_time_text nm_time_format(int64_t time_us);

/* For people: `2026-03-01 12:00:00`. */
struct nm_time_text nm_time_format_short(int64_t time_us);

#endif
