/*
 * A temporary folder that is gone when the test's process ends, whatever became of the
 * test: a test that fails does not come to its end, and leaves its folder to `atexit`. A
 * child that was forked removes nothing.
 */
#ifndef NM_TESTS_TEMP_FOLDER_H
#define NM_TESTS_TEMP_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMP_FOLDERS_MAX = 64, TEMP_FOLDER_BYTES = 64 };

static char temp_folders[TEMP_FOLDERS_MAX][TEMP_FOLDER_BYTES]; /* that are there now */
static pid_t temp_folder_owner;

static inline int temp_folder_unlink(
    const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static inline void temp_folder_remove(const char *folder)
{
    for (size_t i = 0; i < TEMP_FOLDERS_MAX; i++) {
        if (strcmp(temp_folders[i], folder) != 0)
            continue;
        (void)nftw(folder, temp_folder_unlink, 16, FTW_DEPTH | FTW_PHYS);
        temp_folders[i][0] = '\0';
        return;
    }
}

static inline void temp_folder_remove_all(void)
{
    for (size_t i = 0; i < TEMP_FOLDERS_MAX && temp_folder_owner == getpid(); i++)
        if (temp_folders[i][0] != '\0')
            temp_folder_remove(temp_folders[i]);
}

/* `folder` is a template as mkdtemp takes it, and becomes the name; like it, but the folder
 * goes with the process. */
static inline char *temp_folder_from(char *folder)
{
    size_t i = 0;

    if (temp_folder_owner == 0)
        (void)atexit(temp_folder_remove_all);
    if (temp_folder_owner != getpid())
        memset(
            temp_folders, 0, sizeof temp_folders); /* the parent's are the parent's */
    temp_folder_owner = getpid();
    while (i < TEMP_FOLDERS_MAX && temp_folders[i][0] != '\0' &&
           access(temp_folders[i], F_OK) == 0)
        i++;
    if (i == TEMP_FOLDERS_MAX || strlen(folder) >= TEMP_FOLDER_BYTES ||
        mkdtemp(folder) == NULL)
        return NULL;
    memcpy(temp_folders[i], folder, strlen(folder) + 1);
    return folder;
}

/* A folder of that name in memory, where there is a place for it. */
static inline void temp_folder_make(const char *name, char *folder, size_t size)
{
    (void)snprintf(folder, size, "%s/nm-%s-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", name);
    if (temp_folder_from(folder) == NULL) {
        perror(folder);
        abort();
    }
}

#endif
