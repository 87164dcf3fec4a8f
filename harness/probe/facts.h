/* The word `facts`: one function for each group, and the table of groups at the end. */

#pragma once

#include "files.h"

static char **arguments;
static char **environment;
static const char *execfn;

static void numbers(const uint32_t *values, long count)
{
    begin('[');
    for (long i = 0; i < count && room(16); i++)
        natural(values[i]);
    put(']');
}

static void ids(void)
{
    uint32_t three[3];

    begin('{');
    member("pid", CALL(getpid));
    member("ppid", CALL(getppid));
    member("tid", CALL(gettid));
    member("pgid", CALL(getpgid, 0));
    member("sid", CALL(getsid, 0));
    CALL(getresuid, &three[0], &three[1], &three[2]);
    key("uid");
    numbers(three, 3);
    CALL(getresgid, &three[0], &three[1], &three[2]);
    key("gid");
    numbers(three, 3);
    key("groups");
    numbers((uint32_t *)(void *)scratch, CALL(getgroups, sizeof(scratch) / 4, scratch));
    /* setfsuid(2) has no error: it returns the identity before, and -1 is never valid. */
    member("fsuid", CALL(setfsuid, -1));
    member("fsgid", CALL(setfsgid, -1));
    put('}');
}

static void strings(char **list)
{
    begin('[');
    for (; *list != NULL && room(8); list++)
        text(*list);
    put(']');
}

static void argv(void) { strings(arguments); }
static void env(void) { strings(environment); }

static void cwd(void)
{
    if (failed(CALL(getcwd, scratch, sizeof(scratch))))
        null();
    else
        text(scratch);
}

static void umask(void)
{
    long before = CALL(umask, 0);

    CALL(umask, before);
    number(before);
}

static void auxv_execfn(void)
{
    if (execfn == NULL)
        null();
    else
        text(execfn);
}

static void uts(void)
{
    static struct new_utsname name;

    if (failed(CALL(uname, &name))) {
        null();
        return;
    }
    begin('{');
    text_member("hostname", name.nodename);
    text_member("domainname", name.domainname);
    text_member("machine", name.machine);
    text_member("release", name.release);
    put('}');
}

static void ns(void)
{
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children",
                                        "time", "time_for_children", "user", "uts"};
    long fd = open_file("/proc/self/ns", O_RDONLY | O_DIRECTORY);

    begin('{');
    for (size_t i = 0; i < COUNT(names); i++) {
        key(names[i]);
        link_or_null(fd, names[i]);
    }
    put('}');
    if (!failed(fd))
        CALL(close, fd);
}

static void root(void)
{
    struct stat status;

    if (failed(CALL(newfstatat, AT_FDCWD, "/", &status, 0))) {
        null();
        return;
    }
    begin('{');
    key("dev");
    device(status.st_dev);
    key("ino");
    natural(status.st_ino);
    put('}');
}

static void exe(void) { link_or_null(AT_FDCWD, "/proc/self/exe"); }

/* One bit for each capability that this prctl answers with 1; unknown ones are EINVAL. */
static uint64_t capability_bits(long option, long operation)
{
    uint64_t bits = 0;

    for (long cap = 0; cap < 64; cap++) {
        long answer = operation != 0 ? CALL(prctl, option, operation, cap, 0, 0)
                                     : CALL(prctl, option, cap, 0, 0, 0);
        if (answer == 1)
            bits |= 1UL << cap;
    }
    return bits;
}

static void capability_set(const char *name, uint32_t low, uint32_t high)
{
    key(name);
    hex16((uint64_t)high << 32 | low);
}

static void caps(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct set[2] = {{0, 0, 0}, {0, 0, 0}};

    if (failed(CALL(capget, &header, set))) {
        null();
        return;
    }
    begin('{');
    capability_set("effective", set[0].effective, set[1].effective);
    capability_set("permitted", set[0].permitted, set[1].permitted);
    capability_set("inheritable", set[0].inheritable, set[1].inheritable);
    key("bounding");
    hex16(capability_bits(PR_CAPBSET_READ, 0));
    key("ambient");
    hex16(capability_bits(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET));
    put('}');
}

static void securebits(void) { number_or_null(CALL(prctl, PR_GET_SECUREBITS)); }
static void no_new_privs(void) { number_or_null(CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }
static void dumpable(void) { number_or_null(CALL(prctl, PR_GET_DUMPABLE)); }

static void limit(uint64_t value)
{
    if (value == ~0UL)
        text("infinity");
    else
        natural(value);
}

static void rlimits(void)
{
    static const struct { const char *name; int resource; } all[] = {
        {"RLIMIT_CPU", RLIMIT_CPU},           {"RLIMIT_FSIZE", RLIMIT_FSIZE},
        {"RLIMIT_DATA", RLIMIT_DATA},         {"RLIMIT_STACK", RLIMIT_STACK},
        {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_RSS", RLIMIT_RSS},
        {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
        {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},   {"RLIMIT_AS", RLIMIT_AS},
        {"RLIMIT_LOCKS", RLIMIT_LOCKS},       {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
        {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
        {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},     {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    };

    begin('{');
    for (size_t i = 0; i < COUNT(all); i++) {
        struct rlimit64 value;

        key(all[i].name);
        if (failed(CALL(prlimit64, 0, all[i].resource, NULL, &value))) {
            null();
            continue;
        }
        begin('[');
        limit(value.rlim_cur);
        limit(value.rlim_max);
        put(']');
    }
    put('}');
}

static void oom_score_adj(void)
{
    const char *content = small_file("/proc/self/oom_score_adj");
    long value;

    if (content != NULL && number_at(&content, &value))
        number(value);
    else
        null();
}

/* prctl(PR_GET_SECCOMP) is no source: in strict mode the kernel kills the caller. */
static void seccomp(void)
{
    const char *at = small_file("/proc/self/status");

    for (; at != NULL && *at != '\0'; at++) {
        const char *value = after(at, "\nSeccomp:\t");

        if (value != NULL) {
            number(digits(&value, 10));
            return;
        }
    }
    null();
}

/* The kernel's struct sigaction, not the C library's. */
struct action {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static void signals(void)
{
    uint64_t blocked = 0, ignored = 0, caught = 0;

    CALL(rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
    for (int signal = 1; signal <= 64; signal++) {
        struct action action = {0};

        CALL(rt_sigaction, signal, NULL, &action, sizeof(action.mask));
        if (action.handler == (void *)SIG_IGN)
            ignored |= 1UL << (signal - 1);
        else if (action.handler != (void *)SIG_DFL)
            caught |= 1UL << (signal - 1);
    }
    begin('{');
    key("blocked");
    hex16(blocked);
    key("ignored");
    hex16(ignored);
    key("caught");
    hex16(caught);
    put('}');
}

static void scheduler(void)
{
    struct sched_attr attributes = {0};

    if (failed(CALL(sched_getattr, 0, &attributes, sizeof(attributes), 0))) {
        null();
        return;
    }
    begin('{');
    member("policy", attributes.sched_policy);
    member("priority", attributes.sched_priority);
    member("nice", attributes.sched_nice);
    member("flags", (long)attributes.sched_flags);
    member("runtime", (long)attributes.sched_runtime);
    member("deadline", (long)attributes.sched_deadline);
    member("period", (long)attributes.sched_period);
    member("util_min", attributes.sched_util_min);
    member("util_max", attributes.sched_util_max);
    put('}');
}

/* sched_getaffinity(2) refuses a buffer smaller than the kernel's mask, and returns that size. */
static void affinity(void)
{
    const unsigned char *mask = (void *)scratch;
    long size = CALL(sched_getaffinity, 0, 1 * KIB, scratch);

    if (failed(size)) {
        null();
        return;
    }
    while (size > 1 && mask[size - 1] == 0)
        size--;
    begin('"');
    while (size > 0)
        put_number(mask[--size], 16, 2);
    put('"');
}

static void ioprio(void) { number_or_null(CALL(ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0)); }
static void personality(void) { number_or_null(CALL(personality, 0xffffffffUL)); }

static void mountinfo(void) { file_or_null("/proc/self/mountinfo"); }
static void cgroup(void) { file_or_null("/proc/self/cgroup"); }
static void status(void) { file_or_null("/proc/self/status"); }
static void apparmor(void) { file_or_null("/proc/self/attr/current"); }

static void one_fd(long listing, const char *name)
{
    const char *rest = name;

    if (digits(&rest, 10) == listing || !room(8 * KIB))
        return;
    text(name);
    put(':');
    link_or_null(listing, name);
}

static void fds(void)
{
    long fd = open_file("/proc/self/fd", O_RDONLY | O_DIRECTORY);

    if (failed(fd)) {
        null();
        return;
    }
    begin('{');
    each_name(fd, one_fd);
    put('}');
    CALL(close, fd);
}

static void device_node(long directory, const char *name)
{
    struct stat status;

    if (failed(CALL(newfstatat, directory, name, &status, AT_SYMLINK_NOFOLLOW))) {
        null();
        return;
    }
    begin('{');
    member("mode", status.st_mode);
    key("rdev");
    device(status.st_rdev);
    member("uid", status.st_uid);
    member("gid", status.st_gid);
    if ((status.st_mode & S_IFMT) == S_IFLNK) {
        key("target");
        link_or_null(directory, name);
    }
    put('}');
}

static void dev(void)
{
    static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty",
                                        "console", "ptmx", "fd", "stdin", "stdout", "stderr"};
    long fd = open_file("/dev", O_PATH | O_DIRECTORY);

    begin('{');
    for (size_t i = 0; i < COUNT(names); i++) {
        key(names[i]);
        device_node(fd, names[i]);
    }
    put('}');
    if (!failed(fd))
        CALL(close, fd);
}

static void interface_name(struct nlmsghdr *message)
{
    struct ifinfomsg *info = NLMSG_DATA(message);
    struct rtattr *attribute = IFLA_RTA(info);
    unsigned int left = (unsigned int)IFLA_PAYLOAD(message);

    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        if (attribute->rta_type == IFLA_IFNAME && room(1 * KIB))
            text(RTA_DATA(attribute));
}

/* False where the dump ended in an error; a dump comes in several datagrams, the last is NLMSG_DONE. */
static bool interface_names(long fd)
{
    for (;;) {
        long got = CALL(recvfrom, fd, scratch, sizeof(scratch), 0, NULL, NULL);
        struct nlmsghdr *message = (void *)scratch;
        unsigned int left = failed(got) ? 0 : (unsigned int)got;

        if (left == 0)
            return false;
        for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_DONE)
                return true;
            if (message->nlmsg_type == NLMSG_ERROR)
                return false;
            if (message->nlmsg_type == RTM_NEWLINK)
                interface_name(message);
        }
    }
}

/* /sys/class/net is no source: it shows the network namespace of whoever mounted it. */
static void net(void)
{
    struct { struct nlmsghdr header; struct ifinfomsg info; } request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    long fd = CALL(socket, 16 /* AF_NETLINK */, 3 /* SOCK_RAW */ | O_CLOEXEC, NETLINK_ROUTE);
    long sent = failed(fd) ? fd : CALL(sendto, fd, &request, sizeof(request), 0, NULL, 0);
    size_t before = line->length;

    begin('[');
    if (failed(sent) || !interface_names(fd)) {
        line->length = before;
        null();
    } else {
        put(']');
    }
    if (!failed(fd))
        CALL(close, fd);
}

/* get_mempolicy(2) refuses a mask smaller than the nodes the kernel could have, at most 1024. */
static void mempolicy(void)
{
    unsigned long nodes[1024 / 64 + 1] = {0};
    int mode = 0;

    if (failed(CALL(get_mempolicy, &mode, nodes, 1024 + 1, NULL, 0))) {
        null();
        return;
    }
    begin('{');
    member("mode", mode);
    key("nodes");
    begin('[');
    for (unsigned long node = 0; node < 1024; node++)
        if (nodes[node / 64] >> (node % 64) & 1 && room(16))
            natural(node);
    put(']');
    put('}');
}

static void clock_seconds(const char *name, int clock)
{
    struct __kernel_timespec now;

    key(name);
    if (failed(CALL(clock_gettime, clock, &now))) {
        null();
        return;
    }
    natural((uint64_t)now.tv_sec);
    put('.');
    put_number((uint64_t)now.tv_nsec, 10, 9);
}

static void time(void)
{
    begin('{');
    clock_seconds("boottime", CLOCK_BOOTTIME);
    clock_seconds("monotonic", CLOCK_MONOTONIC);
    put('}');
}

static void tty(void)
{
    struct termios settings;
    struct winsize size;

    begin('{');
    key("isatty");
    begin('[');
    for (int fd = 0; fd <= 2; fd++)
        truth(!failed(CALL(ioctl, fd, TCGETS, &settings)));
    put(']');
    key("winsize");
    if (failed(CALL(ioctl, 0, TIOCGWINSZ, &size))) {
        null();
    } else {
        begin('[');
        natural(size.ws_row);
        natural(size.ws_col);
        put(']');
    }
    put('}');
}

static const struct { const char *name; void (*report)(void); } fact_groups[] = {
    {"ids", ids},             /* getpid(2), getresuid(2), getgroups(2), setfsuid(2) ... */
    {"argv", argv},           /* as received, in order */
    {"env", env},             /* as received, in order */
    {"cwd", cwd},             /* getcwd(2) */
    {"umask", umask},         /* umask(2), put back */
    {"auxv_execfn", auxv_execfn}, /* getauxval(3) AT_EXECFN */
    {"uts", uts},             /* uname(2) */
    {"ns", ns},               /* /proc/self/ns, namespaces(7) */
    {"root", root},           /* stat(2) of "/": dev, ino */
    {"exe", exe},             /* /proc/self/exe */
    {"caps", caps},           /* capget(2), prctl(2): five sets, 16 hexadecimal digits each */
    {"securebits", securebits}, /* prctl(2) */
    {"rlimits", rlimits},     /* prlimit(2): [soft, hard], "infinity" */
    {"oom_score_adj", oom_score_adj}, /* proc(5) */
    {"no_new_privs", no_new_privs}, /* prctl(2) */
    {"seccomp", seccomp},     /* /proc/self/status: 0, 1 strict, 2 filter */
    {"dumpable", dumpable},   /* prctl(2) */
    {"signals", signals},     /* sigprocmask(2), sigaction(2): bit N-1 is signal N */
    {"scheduler", scheduler}, /* sched_getattr(2) */
    {"affinity", affinity},   /* sched_getaffinity(2): bit N is processor N, hexadecimal */
    {"ioprio", ioprio},       /* ioprio_get(2) */
    {"personality", personality}, /* personality(2) */
    {"mountinfo", mountinfo}, /* text, at most 256 kB */
    {"cgroup", cgroup},       /* text */
    {"status", status},       /* text */
    {"fds", fds},             /* /proc/self/fd without the descriptor that lists; with that of `to` */
    {"dev", dev},             /* lstat(2) in /dev */
    {"net", net},             /* rtnetlink(7) RTM_GETLINK */
    {"mempolicy", mempolicy}, /* get_mempolicy(2): mode with its flags, nodes as numbers */
    {"time", time},           /* clock_gettime(2), seconds */
    {"apparmor", apparmor},   /* /proc/self/attr/current, whatever the security module is */
    {"tty", tty},             /* isatty(3), ioctl_tty(2) TIOCGWINSZ of fd 0: [rows, columns] */
};

static void one_group(size_t i)
{
    if (!room(1 * KIB))
        return;
    key(fact_groups[i].name);
    fact_groups[i].report();
}

static const char *named_group(const char *names)
{
    for (size_t i = 0; i < COUNT(fact_groups); i++) {
        const char *rest = after(names, fact_groups[i].name);

        if (rest != NULL && (*rest == ',' || *rest == '\0')) {
            one_group(i);
            return *rest == ',' ? rest + 1 : NULL;
        }
    }
    bad_word();
}

static void facts(const char *names)
{
    start_line("facts");
    key("facts");
    begin('{');
    for (size_t i = 0; names == NULL && i < COUNT(fact_groups); i++)
        one_group(i);
    while (names != NULL)
        names = named_group(names);
    put('}');
    end_line();
}
