/* Files, links, directories and device numbers as JSON. */

#pragma once

#include "line.h"

/* O_NOCTTY: a session leader that opens a terminal would get it as its controlling one. */
static long open_file(const char *path, int flags)
{
    return CALL(openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0666);
}

/* The contents of `fd` as a text up to `most` bytes; the number of bytes read, or the first error.
 * Nothing is written where not even the first read works.  Stops at `most` unless `drain`. */
static long text_from(const char *name, long fd, size_t most, bool drain, long *error)
{
    long got = CALL(read, fd, scratch, sizeof(scratch));
    size_t total = 0;

    *error = errno_of(got);
    if (failed(got))
        return 0;
    if (name != NULL)
        key(name);
    begin('"');
    while (got > 0) {
        size_t left = most > total ? most - total : 0;

        put_escaped(scratch, (size_t)got < left ? (size_t)got : left);
        if ((size_t)got > left)
            line->cut = true;
        total += (size_t)got;
        if (total > most && !drain)
            break;
        got = CALL(read, fd, scratch, sizeof(scratch));
    }
    put('"');
    *error = errno_of(got);
    return (long)total;
}

static void file_or_null(const char *path)
{
    long fd = open_file(path, O_RDONLY);
    long error = EBADF;

    if (!failed(fd)) {
        size_t before = line->length;

        text_from(NULL, fd, 256 * KIB, false, &error);
        CALL(close, fd);
        if (line->length != before)
            return;
    }
    null();
}

/* A small file in scratch, ended by NUL; NULL where it cannot be read. */
static const char *small_file(const char *path)
{
    long fd = open_file(path, O_RDONLY);
    size_t total = 0;
    long got = failed(fd) ? fd : 1;

    while (got > 0 && total < sizeof(scratch) - 1) {
        got = CALL(read, fd, scratch + total, sizeof(scratch) - 1 - total);
        if (got > 0)
            total += (size_t)got;
    }
    if (!failed(fd))
        CALL(close, fd);
    scratch[total] = '\0';
    return failed(got) ? NULL : scratch;
}

/* readlink(2) cuts a long target without an error and ends it with no NUL. */
static char target[4 * KIB];

static void link_or_null(long directory, const char *path)
{
    long length = CALL(readlinkat, directory, path, target, sizeof(target));

    if (failed(length))
        null();
    else
        text_of(target, (size_t)length);
}

/* A struct stat has 12 bits of major and 20 of minor number, in this order since Linux 2.6. */
static void device(unsigned long dev)
{
    begin('[');
    natural((dev >> 8) & 0xfff);
    natural((dev & 0xff) | ((dev >> 12) & 0xfff00));
    put(']');
}

struct linux_dirent64 {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    unsigned char type;
    char name[];
};

/* Calls `each` for every name; scratch is in use meanwhile. */
static long each_name(long fd, void (*each)(long fd, const char *name))
{
    long got;

    while ((got = CALL(getdents64, fd, scratch, sizeof(scratch))) > 0)
        for (long at = 0; at < got;) {
            struct linux_dirent64 *entry = (void *)(scratch + at);

            if (!same(entry->name, ".") && !same(entry->name, "..") && room(1 * KIB))
                each(fd, entry->name);
            at += entry->length;
        }
    return got;
}
