/*
 * For tests of configurations: a folder of its own for each test, files in it, and the
 * complaints as they print. `kit_open` and `kit_close` are a checked fixture.
 */
#ifndef NM_TESTS_CONFIG_KIT_H
#define NM_TESTS_CONFIG_KIT_H

#include "config/config.h"

#include "lists.h"
#include "temp_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KIT_FILES_MAX = 80, KIT_PATH_MAX = 96, KIT_WORDS_MAX = 64 * 1024 };

static char kit_folder[32];
static char kit_files[KIT_FILES_MAX][KIT_PATH_MAX];
static size_t kit_file_count;
static char kit_words[KIT_WORDS_MAX];
static struct nm_complaints kit_complaints;

static inline void kit_open(void)
{
    (void)nm_copy(kit_folder, sizeof kit_folder, "/tmp/nm-config-XXXXXX");
    ck_assert_ptr_nonnull(temp_folder_from(kit_folder));
    kit_file_count = 0;
    nm_complaints_init(&kit_complaints);
}

static inline void kit_close(void)
{
    nm_complaints_free(&kit_complaints);
    for (size_t i = 0; i < kit_file_count; i++)
        ck_assert_int_eq(unlink(kit_files[i]), 0);
    ck_assert_int_eq(rmdir(kit_folder), 0);
}

static inline const char *kit_put_bytes(
    const char *name, const char *bytes, size_t length)
{
    char path[KIT_PATH_MAX];
    size_t i = 0;
    FILE *file;

    ck_assert_int_lt(
        snprintf(path, sizeof path, "%s/%s", kit_folder, name), KIT_PATH_MAX);
    while (i < kit_file_count && strcmp(kit_files[i], path) != 0)
        i++;
    if (i == kit_file_count) {
        ck_assert_uint_lt(kit_file_count, KIT_FILES_MAX);
        memcpy(kit_files[kit_file_count++], path, sizeof path);
    }
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return kit_files[i];
}

static inline const char *kit_put(const char *name, const char *text)
{
    return kit_put_bytes(name, text, strlen(text));
}

/* What the complaints print, without the folder's name before each file. */
static inline const char *kit_said(void)
{
    const size_t skip = strlen(kit_folder) + 1;
    FILE *out = fmemopen(kit_words, sizeof kit_words, "w");
    char *at;

    ck_assert_ptr_nonnull(out);
    kit_words[0] = '\0';
    nm_complaints_print(&kit_complaints, out);
    ck_assert_int_eq(fclose(out), 0);
    while ((at = strstr(kit_words, kit_folder)) != NULL)
        memmove(at, at + skip, strlen(at + skip) + 1);
    return kit_words;
}

/* Expected words in which {NAME} stands for what is said of a fault. */
static inline const char *kit_expand(const char *text)
{
    static const struct {
        const char *mark;
        enum nm_address_fault fault;
    } marks[] = {{"{EMPTY}", NM_FAULT_EMPTY}, {"{CONTROL}", NM_FAULT_CONTROL},
        {"{UTF8}", NM_FAULT_UTF8}, {"{DOMAIN}", NM_FAULT_DOMAIN},
        {"{IDNA}", NM_FAULT_IDNA}};
    static char memory[8192];
    struct nm_buf buf;

    nm_buf_init(&buf, memory, sizeof memory);
    while (*text != '\0') {
        size_t i = 0;

        while (i < NM_COUNT(marks) &&
               strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i < NM_COUNT(marks)) {
            nm_buf_puts(&buf, nm_entry_fault_text("", 0, marks[i].fault));
            text += strlen(marks[i].mark);
        } else {
            nm_buf_put(&buf, text++, 1);
        }
    }
    ck_assert(!buf.truncated);
    return memory;
}

/* Load a text as nearmiss.conf; the complaints are in kit_complaints. */
static inline enum nm_code kit_load(const char *text, struct nm_config **config)
{
    nm_complaints_free(&kit_complaints);
    return nm_config_load(kit_put("nearmiss.conf", text), config, &kit_complaints);
}

/* A configuration that must be right. */
static inline struct nm_config *kit_config(const char *text)
{
    struct nm_config *config = NULL;

    if (kit_load(text, &config) != NM_OK)
        ck_abort_msg("%s", kit_said());
    return config;
}

#endif
