#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct nm_json nm_json_begin(void)
{
    json_t *object = json_object();

    return (struct nm_json){.object = object, .failed = object == NULL};
}

void nm_json_add(struct nm_json *json, const char *key, json_t *value)
{
    if (json->failed)
        json_decref(value);
    else if (json_object_set_new_nocheck(json->object, key, value) != 0)
        json->failed = true;
}

static bool is_utf8(const char *bytes, size_t length)
{
    uint32_t code_point;

    while (length > 0) {
        const size_t size = nm_utf8_decode(bytes, length, &code_point);

        if (size == 0)
            return false;
        bytes += size;
        length -= size;
    }
    return true;
}

/* How many bytes of an invalid sequence stand for one U+FFFD: as many as could begin a
 * valid one, and at least one. */
static size_t maximal_part(const char *bytes, size_t length)
{
    const unsigned char first = (unsigned char)bytes[0];
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    size_t part = 1;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    if (first < 0xc2 || first > 0xf4)
        return 1;
    while (part < wanted && part < length) {
        const unsigned char next = (unsigned char)bytes[part];

        if (next < low || next > high)
            break;
        part++;
        low = 0x80;
        high = 0xbf;
    }
    return part;
}

static json_t *repaired(const char *bytes, size_t length)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *text = malloc(3 * length);
    json_t *value;
    size_t used = 0;

    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < length;) {
        uint32_t code_point;
        size_t size = nm_utf8_decode(bytes + at, length - at, &code_point);

        if (size > 0) {
            memcpy(text + used, bytes + at, size);
            used += size;
        } else {
            size = maximal_part(bytes + at, length - at);
            memcpy(text + used, replacement, 3);
            used += 3;
        }
        at += size;
    }
    value = json_stringn_nocheck(text, used);
    free(text);
    return value;
}

json_t *nm_json_bytes(const char *bytes, size_t length)
{
    if (is_utf8(bytes, length))
        return json_stringn_nocheck(length > 0 ? bytes : "", length);
    return repaired(bytes, length);
}

void nm_json_add_bytes(
    struct nm_json *json, const char *key, const char *bytes, size_t length)
{
    nm_json_add(json, key, nm_json_bytes(bytes, length));
}

void nm_json_add_text(struct nm_json *json, const char *key, const char *text)
{
    if (text == NULL)
        nm_json_add(json, key, json_null());
    else
        nm_json_add_bytes(json, key, text, strlen(text));
}

void nm_json_add_nonempty(struct nm_json *json, const char *key, const char *text)
{
    nm_json_add_text(json, key, text != NULL && *text != '\0' ? text : NULL);
}

void nm_json_add_confidence(struct nm_json *json, const char *key, double confidence)
{
    nm_json_add(json, key,
        confidence < 0 ? json_null() : json_real(nm_confidence_round(confidence)));
}

void nm_json_add_hex_if_invalid(
    struct nm_json *json, const char *key, const char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *text;

    if (is_utf8(bytes, length))
        return;
    text = malloc(2 * length);
    for (size_t i = 0; text != NULL && i < length; i++) {
        text[2 * i] = digits[(unsigned char)bytes[i] >> 4];
        text[2 * i + 1] = digits[(unsigned char)bytes[i] & 0xf];
    }
    nm_json_add(
        json, key, text != NULL ? json_stringn_nocheck(text, 2 * length) : NULL);
    free(text);
}

json_t *nm_json_take(struct nm_json *json)
{
    json_t *object = json->object;

    json->object = NULL;
    if (!json->failed)
        return object;
    json_decref(object);
    return NULL;
}

bool nm_json_end(struct nm_json *json, FILE *out)
{
    json_t *object = nm_json_take(json);
    char *line = json_dumps(object,
        JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(NM_CONFIDENCE_DIGITS));

    json_decref(object);
    if (line == NULL)
        return false;
    (void)fputs(line, out);
    (void)fputc('\n', out);
    free(line);
    return true;
}
