/*
 * A disk that misbehaves on request: SQLite's default file system with switches that let
 * a sync hang or fail, and that tells whether something written is not synced. For
 * audit_*_test.c; one a program.
 */
#ifndef NM_TESTS_AUDIT_DISK_H
#define NM_TESTS_AUDIT_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hangs;         /* syncs do not return, */
    unsigned hanging;   /* and so many are at it */
    unsigned failing;   /* so many syncs of a write-ahead log fail from now on */
    bool wal_unsynced;  /* written to, and not synced since */
    unsigned wal_syncs; /* that succeeded */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct disk_file {
    sqlite3_file base;
    bool is_wal;
    sqlite3_file *real; /* behind this */
};

static sqlite3_vfs disk_vfs;
static sqlite3_vfs *disk_real;

static inline sqlite3_file *disk_of(sqlite3_file *file)
{
    return ((struct disk_file *)file)->real;
}

/* ---- switches ----------------------------------------------------------- */

static inline void disk_hang(bool hangs)
{
    pthread_mutex_lock(&disk.lock);
    disk.hangs = hangs;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

/* As it should be, whatever the test before left. */
static inline void disk_heal(void)
{
    pthread_mutex_lock(&disk.lock);
    disk.hangs = false;
    disk.failing = 0;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static inline void disk_await_hanging(void)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.hanging == 0)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static inline void disk_fail_syncs(unsigned count)
{
    pthread_mutex_lock(&disk.lock);
    disk.failing = count;
    pthread_mutex_unlock(&disk.lock);
}

static inline bool disk_is_synced(void)
{
    bool synced;

    pthread_mutex_lock(&disk.lock);
    synced = !disk.wal_unsynced;
    pthread_mutex_unlock(&disk.lock);
    return synced;
}

/* ---- files -------------------------------------------------------------- */

static int disk_close(sqlite3_file *file)
{
    return disk_of(file)->pMethods->xClose(disk_of(file));
}

static int disk_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return disk_of(file)->pMethods->xRead(disk_of(file), to, size, at);
}

static int disk_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    pthread_mutex_lock(&disk.lock);
    if (((struct disk_file *)file)->is_wal)
        disk.wal_unsynced = true;
    pthread_mutex_unlock(&disk.lock);
    return disk_of(file)->pMethods->xWrite(disk_of(file), from, size, at);
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return disk_of(file)->pMethods->xTruncate(disk_of(file), size);
}

static bool disk_sync_fails(const struct disk_file *file)
{
    bool fails;

    pthread_mutex_lock(&disk.lock);
    disk.hanging++;
    pthread_cond_broadcast(&disk.changed);
    while (disk.hangs)
        pthread_cond_wait(&disk.changed, &disk.lock);
    disk.hanging--;
    fails = file->is_wal && disk.failing > 0;
    if (fails)
        disk.failing--;
    pthread_mutex_unlock(&disk.lock);
    return fails;
}

static int disk_sync(sqlite3_file *file, int flags)
{
    int status;

    if (disk_sync_fails((struct disk_file *)file))
        return SQLITE_IOERR_FSYNC;
    status = disk_of(file)->pMethods->xSync(disk_of(file), flags);
    pthread_mutex_lock(&disk.lock);
    if (((struct disk_file *)file)->is_wal && status == SQLITE_OK) {
        disk.wal_unsynced = false;
        disk.wal_syncs++;
    }
    pthread_mutex_unlock(&disk.lock);
    return status;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return disk_of(file)->pMethods->xFileSize(disk_of(file), size);
}

static int disk_lock(sqlite3_file *file, int level)
{
    return disk_of(file)->pMethods->xLock(disk_of(file), level);
}

static int disk_unlock(sqlite3_file *file, int level)
{
    return disk_of(file)->pMethods->xUnlock(disk_of(file), level);
}

static int disk_check_lock(sqlite3_file *file, int *out)
{
    return disk_of(file)->pMethods->xCheckReservedLock(disk_of(file), out);
}

static int disk_control(sqlite3_file *file, int what, void *argument)
{
    return disk_of(file)->pMethods->xFileControl(disk_of(file), what, argument);
}

static int disk_sector(sqlite3_file *file)
{
    return disk_of(file)->pMethods->xSectorSize(disk_of(file));
}

static int disk_traits(sqlite3_file *file)
{
    return disk_of(file)->pMethods->xDeviceCharacteristics(disk_of(file));
}

static int disk_shm_map(
    sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return disk_of(file)->pMethods->xShmMap(disk_of(file), page, size, extend, out);
}

static int disk_shm_lock(sqlite3_file *file, int at, int count, int flags)
{
    return disk_of(file)->pMethods->xShmLock(disk_of(file), at, count, flags);
}

static void disk_shm_barrier(sqlite3_file *file)
{
    disk_of(file)->pMethods->xShmBarrier(disk_of(file));
}

static int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return disk_of(file)->pMethods->xShmUnmap(disk_of(file), remove);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_check_lock,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_traits,
    .xShmMap = disk_shm_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_shm_barrier,
    .xShmUnmap = disk_shm_unmap,
};

static int disk_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    struct disk_file *file = (struct disk_file *)out;
    int status;

    (void)vfs;
    file->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    file->real = (sqlite3_file *)(file + 1);
    status = disk_real->xOpen(disk_real, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods != NULL ? &disk_methods : NULL;
    return status;
}

/* From now on SQLite uses this disk. */
static inline void disk_install(void)
{
    disk_real = sqlite3_vfs_find(NULL);
    disk_vfs = *disk_real;
    disk_vfs.zName = "test-disk";
    disk_vfs.szOsFile += (int)sizeof(struct disk_file);
    disk_vfs.xOpen = disk_open;
    if (sqlite3_vfs_register(&disk_vfs, 1) != SQLITE_OK)
        abort();
}

#endif
