/*
 * A message of any bytes, as a reviewer reads it: what is shown is UTF-8 without controls
 * but ends of lines, and not much more than was there.
 */
#include "mail_text.h"

#include <nearmiss/base.h>

#include <stdio.h>
#include <stdlib.h>

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static void check_shown(const char *text, size_t size)
{
    uint32_t code_point;
    size_t step;

    for (size_t at = 0; at < size; at += step) {
        step = nm_utf8_decode(text + at, size - at, &code_point);
        demand(step > 0, "what is shown is not UTF-8");
        demand(code_point == '\n' || (code_point >= 0x20 && code_point != 0x7f &&
                                         !(code_point >= 0x80 && code_point < 0xa0)),
            "what is shown has a control character");
        demand(
            code_point < 0x202a || code_point > 0x202e, "what is shown turns around");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    demand(out != NULL, "out of memory");
    nm_mail_text_put(out, (const char *)data, size);
    demand(fclose(out) == 0, "out of memory");
    check_shown(text, length);
    /* A byte is at most an escape of ten; a part, which may be of a few bytes, has a note. */
    demand(length <= 20 * size + 1000 * (NM_MAIL_PARTS_MAX + 2), "it has grown");
    free(text);
    return 0;
}
