/*
 * JSON as the tool prints it: one object a line, keys in the order of the contract.
 *
 * Characters beyond ASCII are written as escapes, so that a line means the same to every
 * reader and can do no harm on a terminal.
 */
#ifndef NM_CLI_JSON_H
#define NM_CLI_JSON_H

#include <nearmiss/base.h>

#include <jansson.h>
#include <stdio.h>

/* An object that is being filled. Once a step has failed (out of memory) the rest does
 * nothing and the end tells. */
struct nm_json {
    json_t *object;
    bool failed;
};

struct nm_json nm_json_begin(void);

/* Append `key`. A NULL value is out of memory; it is taken over, as jansson's `_new`
 * functions do. */
void nm_json_add(struct nm_json *json, const char *key, json_t *value);

/* `bytes` as text. What is no valid UTF-8 becomes U+FFFD, one for each maximal part of a
 * sequence (Unicode 15, 3.9, "U+FFFD Substitution of Maximal Subparts"). NULL: out of
 * memory. */
json_t *nm_json_bytes(const char *bytes, size_t length);
void nm_json_add_bytes(
    struct nm_json *json, const char *key, const char *bytes, size_t length);

/* Text, or null where it is NULL or, with `_nonempty`, "". */
void nm_json_add_text(struct nm_json *json, const char *key, const char *text);
void nm_json_add_nonempty(struct nm_json *json, const char *key, const char *text);

/* 0..1 to four digits; null when it is negative. */
void nm_json_add_confidence(struct nm_json *json, const char *key, double confidence);

/* `key` with the bytes in hexadecimal, but only if they are not valid UTF-8. */
void nm_json_add_hex_if_invalid(
    struct nm_json *json, const char *key, const char *bytes, size_t length);

/* The object, or NULL when a step failed; for an object inside another. */
json_t *nm_json_take(struct nm_json *json);

/* Print the object and a newline, and free it. False: it failed, or printing did for
 * want of memory. */
bool nm_json_end(struct nm_json *json, FILE *out);

#endif
