#include "times.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t second_us = 1000000;

/* `count` digits at `*text`, which is moved behind them. */
static bool take_number(const char **text, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (**text < '0' || **text > '9')
            return false;
        *out = *out * 10 + (*(*text)++ - '0');
    }
    return true;
}

static bool take(const char **text, const char *one_of)
{
    if (**text == '\0' || strchr(one_of, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **text, struct tm *out)
{
    int year;
    int month;
    int day;

    if (!take_number(text, 4, &year) || !take(text, "-") ||
        !take_number(text, 2, &month) || !take(text, "-") ||
        !take_number(text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *out = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return true;
}

/* `12:00:00.123`; microseconds go to `*fraction_us`, finer digits are dropped. */
static bool take_clock(const char **text, struct tm *out, int64_t *fraction_us)
{
    int64_t digit_us = second_us / 10;

    if (!take_number(text, 2, &out->tm_hour) || !take(text, ":") ||
        !take_number(text, 2, &out->tm_min) || !take(text, ":") ||
        !take_number(text, 2, &out->tm_sec))
        return false;
    if (out->tm_hour > 23 || out->tm_min > 59 || out->tm_sec > 60)
        return false;
    if (out->tm_sec == 60)
        out->tm_sec = 59;
    *fraction_us = 0;
    if (**text != '.')
        return true;
    (*text)++;
    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        *fraction_us += (**text - '0') * digit_us;
        digit_us /= 10;
    }
    return true;
}

/* `Z` or `+01:00`. */
static bool take_offset(const char **text, int64_t *seconds)
{
    int hours;
    int minutes;
    const int sign = **text == '-' ? -1 : 1;

    *seconds = 0;
    if (take(text, "Zz"))
        return true;
    if (!take(text, "+-") || !take_number(text, 2, &hours) || !take(text, ":") ||
        !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_absolute(const char *text, int64_t *out)
{
    struct tm parts;
    int64_t fraction_us = 0;
    int64_t offset_s = 0;

    if (!take_date(&text, &parts))
        return false;
    if (*text != '\0' &&
        (!take(&text, "Tt ") || !take_clock(&text, &parts, &fraction_us) ||
            !take_offset(&text, &offset_s)))
        return false;
    if (*text != '\0')
        return false;
    *out = ((int64_t)timegm(&parts) - offset_s) * second_us + fraction_us;
    return true;
}

/* Up to nine digits, so that no product overflows. */
static bool parse_relative(const char *text, int64_t now_us, int64_t *out)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    const size_t digits = strspn(text, "0123456789");
    int count;

    if (digits == 0 || digits > 9 || strlen(text) != digits + 1)
        return false;
    if (!take_number(&text, (int)digits, &count))
        return false;
    for (size_t i = 0; i < NM_COUNT(units); i++) {
        if (*text != units[i].unit)
            continue;
        *out = now_us - (int64_t)count * units[i].seconds * second_us;
        return true;
    }
    return false;
}

bool nm_time_parse(const char *text, int64_t now_us, int64_t *out)
{
    return parse_relative(text, now_us, out) || parse_absolute(text, out);
}

bool nm_time_parse_ahead(const char *text, int64_t now_us, int64_t *out)
{
    int64_t ago_us;

    if (!parse_relative(text, 0, &ago_us))
        return parse_absolute(text, out);
    *out = now_us - ago_us;
    return true;
}

/* Whole seconds, rounded down also before 1970; the rest in `*rest_us`. */
static struct tm split(int64_t time_us, int64_t *rest_us)
{
    struct tm parts = {0};
    time_t seconds;

    *rest_us = time_us % second_us;
    if (*rest_us < 0)
        *rest_us += second_us;
    seconds = (time_us - *rest_us) / second_us;
    (void)gmtime_r(&seconds, &parts);
    return parts;
}

struct nm_time_text nm_time_format(int64_t time_us)
{
    struct nm_time_text out = nm_time_format_short(time_us);
    int64_t rest_us;
    const size_t length = strlen(out.text);

    (void)split(time_us, &rest_us);
    *strchr(out.text, ' ') = 'T';
    (void)snprintf(
        out.text + length, sizeof out.text - length, ".%03dZ", (int)(rest_us / 1000));
    return out;
}

struct nm_time_text nm_time_format_short(int64_t time_us)
{
    struct nm_time_text out;
    int64_t rest_us;
    const struct tm parts = split(time_us, &rest_us);

    (void)snprintf(out.text, sizeof out.text, "%04d-%02d-%02d %02d:%02d:%02d",
        parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
        parts.tm_min, parts.tm_sec);
    return out;
}
