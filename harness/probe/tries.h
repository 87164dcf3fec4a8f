/* Tries: a system call is made and its result reported, whatever it is. */

#pragma once

#include "files.h"

static void start_try(const char *call, const char *path)
{
    start_line("try");
    text_member("call", call);
    if (path != NULL)
        text_member("path", path);
}

static void end_try(long result)
{
    member("errno", errno_of(result));
    member("result", result);
    end_line();
}

static void try(const char *call, const char *path, long result)
{
    start_try(call, path);
    end_try(result);
}

/* In the child: "NAME=value" of a member of its lines, at the end of scratch in use. */
static char *member_word(const char *name, const char *value, size_t *used)
{
    const char *const parts[] = {name, value, ""};
    char *word = scratch + *used;

    for (size_t i = 0; i < COUNT(parts); i++) {
        size_t length = length_of(parts[i]);

        if (*used + length >= sizeof(scratch))
            bad_word();
        memcpy(scratch + *used, parts[i], length);
        *used += length;
    }
    scratch[(*used)++] = '\0';
    return word;
}

/* A child that cannot execute it tells why by its status, like one that cannot do what it was told. */
static void try_run(const char *path)
{
    long pid = CALL(clone, SIGCHLD, 0, 0, 0, 0), result = pid;
    int status = 0;

    if (pid == 0) {
        size_t used = 0;
        char *none[] = {NULL};
        char *script[] = {(char *)path, member_word("nonce=", nonce, &used),
                          member_word("as=", path, &used), "facts=ids", NULL};

        leave(errno_of(CALL(execve, path, script, none)));
    }
    if (!failed(pid))
        result = CALL(wait4, pid, &status, 0, NULL);
    if (!failed(result))
        result = (status & 0x7f) != 0 ? -EINTR : -(long)(status >> 8 & 0xff);
    try("run", path, result);
}

/* The rest behind the colon. */
static const char *path_after_colon(const char *rest)
{
    if (*rest != ':')
        bad_word();
    return rest + 1;
}

static void try_open(const char *argument)
{
    bool reads = false, writes = false;
    int flags = 0;
    long fd;

    for (; *argument != ':' && *argument != '\0'; argument++)
        switch (*argument) {
        case 'r': reads = true; break;
        case 'w': writes = true; break;
        case 'a': writes = true; flags |= O_APPEND; break;
        case 'c': flags |= O_CREAT; break;
        default: bad_word();
        }
    flags |= !writes ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
    argument = path_after_colon(argument);
    fd = open_file(argument, flags);
    if (!failed(fd))
        CALL(close, fd);
    try("open", argument, fd);
}

static void read_at_most(long most, const char *path)
{
    long fd = open_file(path, O_RDONLY);
    long got = fd, error = 0;

    start_try("read", path);
    if (!failed(fd)) {
        got = text_from("text", fd, (size_t)most, false, &error);
        if (got > most)
            got = most;
        CALL(close, fd);
        if (error == 0)
            member("bytes", got);
    }
    end_try(error != 0 ? -error : got);
}

static void try_read(const char *path) { read_at_most(64 * KIB, path); }

static void try_head(const char *argument)
{
    long most;

    if (!number_at(&argument, &most) || most < 0)
        bad_word();
    read_at_most(most, path_after_colon(argument));
}

static void try_write(const char *path)
{
    long fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
    long result = fd;

    if (!failed(fd)) {
        struct { const char *bytes; size_t count; } parts[] = {{nonce, length_of(nonce)}, {"\n", 1}};

        result = CALL(writev, fd, parts, COUNT(parts));
        CALL(close, fd);
    }
    try("write", path, result);
}

/* Memory that is given to nobody else, written to page by page; it goes with the process. */
static void try_fill(const char *argument)
{
    const char *rest = argument;
    long bytes, place;

    if (!number_at(&rest, &bytes) || *rest != '\0' || bytes <= 0)
        bad_word();
    place = CALL(mmap, NULL, bytes, 3 /* PROT_READ | PROT_WRITE */, 0x22 /* private, anonymous */, -1, 0);
    for (long at = 0; !failed(place) && at < bytes; at += 4 * KIB)
        *(volatile char *)(place + at) = 1;
    try("fill", argument, failed(place) ? place : 0);
}

/* Returns only where it fails: what is executed has neither arguments nor an environment. */
static void try_exec(const char *path)
{
    const char *argv[] = {path, NULL};

    try("exec", path, CALL(execve, path, argv, argv + 1));
}

static void try_mkdir(const char *path) { try("mkdir", path, CALL(mkdirat, AT_FDCWD, path, 0777)); }
static void try_unlink(const char *path) { try("unlink", path, CALL(unlinkat, AT_FDCWD, path, 0)); }
static void try_chdir(const char *path) { try("chdir", path, CALL(chdir, path)); }

static void one_name(long fd, const char *name)
{
    (void)fd;
    text(name);
}

static void try_list(const char *path)
{
    long fd = open_file(path, O_RDONLY | O_DIRECTORY);
    long result = fd;

    start_try("list", path);
    if (!failed(fd)) {
        key("names");
        begin('[');
        result = each_name(fd, one_name);
        put(']');
        CALL(close, fd);
    }
    end_try(result);
}

static void stat_members(const struct stat *status)
{
    key("dev");
    device(status->st_dev);
    key("ino");
    natural(status->st_ino);
    member("mode", status->st_mode);
    member("uid", status->st_uid);
    member("gid", status->st_gid);
    key("rdev");
    device(status->st_rdev);
    member("size", (long)status->st_size);
    member("nlink", (long)status->st_nlink);
}

static void any_stat(const char *call, const char *path, int flags)
{
    struct stat status;
    long result = CALL(newfstatat, AT_FDCWD, path, &status, flags);

    start_try(call, path);
    if (!failed(result))
        stat_members(&status);
    end_try(result);
}

static void try_stat(const char *path) { any_stat("stat", path, 0); }
static void try_lstat(const char *path) { any_stat("lstat", path, AT_SYMLINK_NOFOLLOW); }

static void try_readlink(const char *path)
{
    long result = CALL(readlinkat, AT_FDCWD, path, target, sizeof(target));

    start_try("readlink", path);
    if (!failed(result)) {
        key("target");
        text_of(target, (size_t)result);
    }
    end_try(result);
}

static void try_statfs(const char *path)
{
    struct statfs status;
    long result = CALL(statfs, path, &status);

    start_try("statfs", path);
    if (!failed(result)) {
        member("type", (long)status.f_type);
        member("flags", (long)status.f_flags);
    }
    end_try(result);
}

static long mode_of_type(char type)
{
    switch (type) {
    case 'c': return S_IFCHR;
    case 'b': return S_IFBLK;
    case 'p': return S_IFIFO;
    case 's': return S_IFSOCK;
    case 'f': return S_IFREG;
    default: bad_word();
    }
}

static void try_mknod(const char *argument)
{
    long mode = mode_of_type(*argument), major, minor;
    const char *rest = after(argument + 1, ",");

    if (rest == NULL)
        bad_word();
    mode |= digits(&rest, 8);
    if ((rest = after(rest, ",")) == NULL || !number_at(&rest, &major) ||
        (rest = after(rest, ",")) == NULL || !number_at(&rest, &minor))
        bad_word();
    rest = path_after_colon(rest);
    try("mknod", rest,
        CALL(mknodat, AT_FDCWD, rest, mode,
             (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12));
}

/* One argument at *rest, up to a comma or the end; texts and buffers are put into scratch at *used. */
static long syscall_argument(const char **rest, size_t *used)
{
    char *place = scratch + *used;
    const char *from;
    long value = 0;

    if ((from = after(*rest, "s:")) != NULL) {
        for (; *from != ',' && *from != '\0' && *used < sizeof(scratch) - 1; from++)
            scratch[(*used)++] = *from;
        scratch[(*used)++] = '\0';
        value = (long)place;
    } else if ((from = after(*rest, "b:")) != NULL && number_at(&from, &value)) {
        if (value < 0 || (size_t)value > sizeof(scratch) - *used)
            bad_word();
        memset(place, 0, (size_t)value);
        *used += (size_t)value;
        value = (long)place;
    } else if (from = *rest, !number_at(&from, &value)) {
        bad_word();
    }
    *used = (*used + 15) & ~15UL;
    if (*used >= sizeof(scratch) || (*from != ',' && *from != '\0'))
        bad_word();
    *rest = *from == ',' ? from + 1 : from;
    return value;
}

/* System calls that may be named instead of numbered: the numbers differ between machines. */
#define NAMED(name) {#name, __NR_##name}
static const struct { const char *name; long number; } named_calls[] = {
    NAMED(clock_getres),           NAMED(fchmodat),       NAMED(getcpu),
    NAMED(getitimer),              NAMED(getpriority),    NAMED(getrusage),
    NAMED(membarrier),             NAMED(mount),          NAMED(mq_open),
    NAMED(munlockall),             NAMED(renameat2),      NAMED(rt_sigpending),
    NAMED(sched_get_priority_max), NAMED(sched_get_priority_min),
    NAMED(sched_getparam),         NAMED(sched_getscheduler),
    NAMED(sched_rr_get_interval),  NAMED(setdomainname),  NAMED(sethostname),
    NAMED(shmget),                 NAMED(sysinfo),        NAMED(times),
    NAMED(umount2),                NAMED(unshare),
};

/* The number of the call that is named at *rest, which moves behind the comma; negative where none is. */
static long named_call(const char **rest, const char **name)
{
    for (size_t i = 0; i < COUNT(named_calls); i++) {
        const char *end = after(*rest, named_calls[i].name);

        if (end != NULL && (*end == ',' || *end == '\0')) {
            *name = named_calls[i].name;
            *rest = *end == ',' ? end + 1 : end;
            return named_calls[i].number;
        }
    }
    return -1;
}

/* A call and its arguments; the name is NULL where its number was given. */
struct call {
    const char *name;
    long values[7];
};

static struct call parsed_call(const char *argument)
{
    struct call call = {NULL, {0}};
    size_t count, used = 0;

    call.values[0] = named_call(&argument, &call.name);
    count = call.name != NULL;
    while (*argument != '\0') {
        if (count == COUNT(call.values))
            bad_word();
        call.values[count++] = syscall_argument(&argument, &used);
    }
    if (count == 0)
        bad_word();
    return call;
}

static long make_call(const struct call *call)
{
    const long *values = call->values;

    return raw(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
}

static void try_syscall(const char *argument)
{
    struct call call = parsed_call(argument);
    long result = make_call(&call);

    start_try(call.name != NULL ? call.name : "syscall", call.name != NULL ? argument : NULL);
    member("nr", call.values[0]);
    end_try(result);
}
