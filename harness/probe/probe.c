/*
 * The probe: the program that a case puts into a container.  It reports facts as JSON, one object a
 * line, and never a verdict.
 *
 * It has no libc, so that it lives where a libc dies: no arch_prctl, brk or set_tid_address before
 * the first word (seccomp cases), no TLS, a few hundred bytes of stack, about 2 MB of address space.
 *
 * SCRIPT.  A list of words, run from left to right; the end of the words is exit 0.  The first of
 * these that exists:
 *   1. the environment variable CONFORMANCE_PROBE, words separated by newlines (argv is free);
 *   2. argv[1..], when there is one;
 *   3. the file named by readlink(/proc/self/exe) + ".words", one word a line (argv and env are free).
 * Empty words are skipped.  No word at all: exit 99.  A word that is unknown, or whose argument
 * cannot be understood: event "error" (members "word", "errno") and exit 98.
 *
 * LINES.  {"nonce":"...","as":"...","event":"...", ...}\n, each by one write(2), to fd 1 at first.
 * In strings " and \ are escaped, bytes below 0x20 and 0x7f are \u00XX, bytes from 0x80 are raw.
 * What does not fit is left out and the member "cut":true is added; a line is always valid JSON.
 *
 * WORDS.
 *   nonce=T as=T     the members of later lines ("" before)
 *   to=PATH          later lines are appended to PATH, which is created (0666); failing: exit 97
 *   say=T            event T
 *   facts facts=A,B  event "facts", member "facts": all groups, or those named (see fact_groups)
 *   stdin            reads fd 0 to its end: event "stdin", "text", "bytes" (all of them), "errno"
 *   catch            a handler for every catchable signal: event "signal", "signal", "code"
 *                    (si_code), "sender" (si_pid; null for a fault)
 *   ignore=N         SIG_IGN for signal N
 *   until=N          goes on as soon as signal N was caught at least once since `catch`
 *   pause            waits for ever
 *   wait=PATH        opens the fifo PATH for reading, reads one byte or its end; failing: event
 *                    "error" and exit 96
 *   exit=N           exit_group(N)
 *   crash            writes through a null pointer; ends by SIGSEGV, also as pid 1, also after `catch`
 *   raise=N          kill(getpid(), N)
 *   child ... end    a process for the words up to the matching `end`; the parent reports event
 *                    "child", "pid" (null if there is none), "errno", and goes on behind `end`
 *   survive          a second thread goes on behind it as soon as the first has ended; not twice
 *   reap             wait4(-1) once: event "reaped", "pid", "status" (as wait(2) encodes it; null
 *                    where there was no child), "errno"
 * Tries.  Event "try", "call", "path", "errno" (0: it worked), "result" (the raw return value of the
 * last call); the members in brackets only when it worked:
 *   open=FLAGS:PATH  FLAGS of r, w, a(ppend), c(reate); closed again
 *   read=PATH        [text, bytes] at most 64 kB
 *   head=N:PATH      [text, bytes] at most N bytes; event "try", call "read"
 *   write=PATH       O_WRONLY|O_CREAT|O_APPEND, writes the nonce and a newline
 *   mkdir=PATH  unlink=PATH  chdir=PATH
 *   list=PATH        [names] without . and ..
 *   stat=PATH lstat=PATH  [dev, ino, mode, uid, gid, rdev, size, nlink]; devices are [major, minor]
 *   readlink=PATH    [target]
 *   statfs=PATH      [type, flags]
 *   run=PATH         a child executes PATH, a copy of the probe, which prints its facts "ids" to fd 1
 *                    as PATH; "errno" is that of execve(2), or EINTR where a signal ended it
 *   fill=N           takes N bytes of memory and writes to each page, until it ends; "path" is N
 *   mknod=TYPE,MODE,MAJOR,MINOR:PATH  TYPE of c, b, p, s, f; MODE octal, without the umask's bits
 *   exec=PATH        becomes PATH, with no argument but its name, no environment; only where that
 *                    fails there is an event
 *   syscall=NR,A,... raw, up to six arguments: numbers (decimal, 0x.., negative), s:TEXT a pointer
 *                    to the text, b:N a pointer to N zeroed bytes; member "nr".  Some may be named
 *                    (named_calls): then "call" is the name, and "path" all that stands behind the =
 *   thread=NR,A,...  the same by a second thread, which ends with that; "path" is all that stands
 *                    behind the =; "errno" and "result" are null where the call ended the thread
 *   int80=NR,A,...   up to three arguments, through the 32-bit entry of x86_64; "path" likewise
 *
 * FACTS.  The value of a group, or of a member of it, is null where its source cannot be read.
 *
 * FILES.  machine.h: system calls.  line.h: JSON.  files.h: paths and devices.  facts.h, tries.h: the
 * words of these names.  entries.h: threads, 32-bit calls.  Here: signals, processes and the script.
 */

#include "entries.h"
#include "facts.h"
#include "files.h"
#include "line.h"
#include "machine.h"
#include "tries.h"

/* ------------------------------------------------------------------------ signals */

static volatile bool was_caught[65];

static void set_action(int signal, void *handler, unsigned long flags)
{
    struct action action = {handler, flags, RESTORER, ~0UL};
    long result = CALL(rt_sigaction, signal, &action, NULL, sizeof(action.mask));

    if (failed(result))
        give_up(current_word, -result, BAD_WORD);
}

/* Back from the handler the faulting instruction runs again: with the handler, for ever. */
static bool is_fault(int signal, int code)
{
    return code > 0 && (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    struct line *interrupted = line;

    (void)context;
    line = &signal_line;
    start_line("signal");
    member("signal", signal);
    member("code", info->si_code);
    key("sender");
    /* si_pid shares its memory with si_addr. */
    if (is_fault(signal, info->si_code))
        null();
    else
        number(info->si_pid);
    end_line();
    line = interrupted;
    if (is_fault(signal, info->si_code))
        set_action(signal, (void *)SIG_DFL, HANDLER_FLAGS);
    was_caught[signal] = true;
}

static void catch(const char *none)
{
    (void)none;
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            set_action(signal, (void *)on_signal, HANDLER_FLAGS);
}

static void ignore(const char *argument)
{
    set_action(argument_signal(argument), (void *)SIG_IGN, HANDLER_FLAGS);
}

static void until(const char *argument)
{
    int signal = argument_signal(argument);
    uint64_t all = ~0UL, before;

    CALL(rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
    while (!was_caught[signal])
        CALL(rt_sigsuspend, &before, sizeof(before));
    CALL(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

static void raise(const char *argument) { CALL(kill, CALL(getpid), argument_signal(argument)); }

static _Noreturn void pause(const char *none)
{
    (void)none;
    for (;;)
        CALL(ppoll, NULL, 0, NULL, NULL, 0);
}

static void crash(const char *none)
{
    /* A null pointer that the compiler can see becomes an illegal instruction: SIGILL. */
    int *volatile nowhere = NULL;

    (void)none;
    *(volatile int *)nowhere = 0;
}

/* ------------------------------------------------------------------------ the other words */

/* The words still to be run: [next_word, last_word). */
static char **next_word;
static char **last_word;

static void set_nonce(const char *value) { nonce = value; }
static void set_as(const char *value) { as = value; }

static void to(const char *path)
{
    long fd = open_file(path, O_WRONLY | O_APPEND | O_CREAT);

    if (failed(fd))
        give_up(current_word, -fd, NO_DESTINATION);
    if (destination != 1)
        CALL(close, destination);
    destination = (int)fd;
}

static void say(const char *event)
{
    start_line(event);
    end_line();
}

static void read_stdin(const char *none)
{
    long bytes, error;

    (void)none;
    start_line("stdin");
    bytes = text_from("text", 0, sizeof(script_bytes), true, &error);
    if (bytes == 0 && error != 0)
        text_member("text", "");
    member("bytes", bytes);
    member("errno", error);
    end_line();
}

/* A fifo opened for reading waits for a writer; when the last writer has closed it, it is at its end. */
static void wait(const char *path)
{
    long fd = open_file(path, O_RDONLY);
    char byte;

    if (failed(fd))
        give_up(current_word, -fd, NO_FIFO);
    CALL(read, fd, &byte, 1);
    CALL(close, fd);
}

static void leave_with(const char *argument) { leave(argument_number(argument)); }

static char **matching_end(char **word)
{
    for (int depth = 1; word < last_word; word++) {
        if (same(*word, "child"))
            depth++;
        else if (same(*word, "end") && --depth == 0)
            return word;
    }
    bad_word();
}

/* clone(2) with no flags but the signal is fork(2), which arm64 has not got. */
static void child(const char *none)
{
    char **end = matching_end(next_word);
    long pid = CALL(clone, SIGCHLD, 0, 0, 0, 0);

    (void)none;
    if (pid == 0) {
        last_word = end;
        return;
    }
    next_word = end + 1;
    start_line("child");
    key("pid");
    number_or_null(pid);
    member("errno", errno_of(pid));
    end_line();
}

static _Noreturn void stray_end(const char *none)
{
    (void)none;
    bad_word();
}

static void reap(const char *none)
{
    int status = 0;
    long pid = CALL(wait4, -1, &status, 0, NULL);

    (void)none;
    start_line("reaped");
    key("pid");
    number_or_null(pid);
    key("status");
    number_or_null(failed(pid) ? pid : status);
    member("errno", errno_of(pid));
    end_line();
}

static _Noreturn void perform_rest(void);

static volatile int first_thread;

static _Noreturn void survive_first_thread(void)
{
    while (first_thread != 0)
        CALL(futex, &first_thread, FUTEX_WAIT, 1, NULL, NULL, 0);
    perform_rest();
}

/* exit(2) ends a thread, exit_group(2) all of them; what set_tid_address(2) names is cleared then. */
static void survive(const char *none)
{
    static int unused;
    long tid;

    (void)none;
    first_thread = 1;
    CALL(set_tid_address, &first_thread);
    instead = survive_first_thread;
    tid = new_thread(THREAD, threads_stack + sizeof(threads_stack), NULL, &unused);
    if (failed(tid))
        give_up(current_word, -tid, BAD_WORD);
    for (;;)
        CALL(exit, 0);
}

static const struct word {
    const char *name;
    void (*perform)(const char *argument);
    enum { NONE, OPTIONAL, REQUIRED } argument;
} words[] = {
    {"nonce", set_nonce, REQUIRED},
    {"as", set_as, REQUIRED},
    {"to", to, REQUIRED},
    {"say", say, REQUIRED},
    {"facts", facts, OPTIONAL},
    {"stdin", read_stdin, NONE},
    {"catch", catch, NONE},
    {"ignore", ignore, REQUIRED},
    {"until", until, REQUIRED},
    {"pause", pause, NONE},
    {"wait", wait, REQUIRED},
    {"exit", leave_with, REQUIRED},
    {"crash", crash, NONE},
    {"raise", raise, REQUIRED},
    {"child", child, NONE},
    {"end", stray_end, NONE},
    {"reap", reap, NONE},
    {"survive", survive, NONE},
    {"open", try_open, REQUIRED},
    {"read", try_read, REQUIRED},
    {"head", try_head, REQUIRED},
    {"write", try_write, REQUIRED},
    {"mkdir", try_mkdir, REQUIRED},
    {"unlink", try_unlink, REQUIRED},
    {"list", try_list, REQUIRED},
    {"stat", try_stat, REQUIRED},
    {"lstat", try_lstat, REQUIRED},
    {"readlink", try_readlink, REQUIRED},
    {"statfs", try_statfs, REQUIRED},
    {"run", try_run, REQUIRED},
    {"chdir", try_chdir, REQUIRED},
    {"mknod", try_mknod, REQUIRED},
    {"exec", try_exec, REQUIRED},
    {"fill", try_fill, REQUIRED},
    {"syscall", try_syscall, REQUIRED},
    {"thread", try_thread, REQUIRED},
    {"int80", try_int80, REQUIRED},
};

static void perform(const char *word)
{
    current_word = word;
    for (size_t i = 0; i < COUNT(words); i++) {
        const char *rest = after(word, words[i].name);

        if (rest == NULL)
            continue;
        if (*rest == '\0' && words[i].argument != REQUIRED) {
            words[i].perform(NULL);
            return;
        }
        if (*rest == '=' && words[i].argument != NONE) {
            words[i].perform(rest + 1);
            return;
        }
    }
    bad_word();
}

/* ------------------------------------------------------------------------ the script */

/* A string of argv or env is at most 32 pages long (MAX_ARG_STRLEN). */
static char script_text[128 * KIB + 1];
static char *script_words[4 * KIB];

/* The lines of script_text, which ends at `length`. */
static void use_text(size_t length)
{
    bool in_word = false;
    size_t count = 0;

    script_text[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        bool starts = !in_word && script_text[i] != '\n';

        if (starts && count == COUNT(script_words))
            give_up("too many words", E2BIG, BAD_WORD);
        if (starts)
            script_words[count++] = script_text + i;
        in_word = script_text[i] != '\n';
        if (!in_word)
            script_text[i] = '\0';
    }
    next_word = script_words;
    last_word = script_words + count;
}

static bool script_in_environment(void)
{
    for (char **entry = environment; *entry != NULL; entry++) {
        const char *value = after(*entry, "CONFORMANCE_PROBE=");
        size_t length;

        if (value == NULL)
            continue;
        length = length_of(value);
        if (length >= sizeof(script_text))
            give_up("CONFORMANCE_PROBE", E2BIG, BAD_WORD);
        memcpy(script_text, value, length);
        use_text(length);
        return true;
    }
    return false;
}

static bool script_in_arguments(long count)
{
    if (count < 2)
        return false;
    next_word = arguments + 1;
    last_word = arguments + count;
    return true;
}

static bool script_in_file(void)
{
    static const char suffix[] = ".words";
    long length = CALL(readlinkat, AT_FDCWD, "/proc/self/exe", target, sizeof(target) - sizeof(suffix));
    size_t total = 0;
    long fd, got;

    if (failed(length))
        return false;
    memcpy(target + length, suffix, sizeof(suffix));
    fd = open_file(target, O_RDONLY);
    if (failed(fd))
        return false;
    while ((got = CALL(read, fd, script_text + total, sizeof(script_text) - total)) > 0)
        total += (size_t)got;
    CALL(close, fd);
    if (total == sizeof(script_text))
        give_up(target, E2BIG, BAD_WORD);
    use_text(total);
    return true;
}

static const char *auxiliary_text(const unsigned long *vector, unsigned long type)
{
    for (; vector[0] != AT_NULL; vector += 2)
        if (vector[0] == type)
            return (const char *)vector[1];
    return NULL;
}

static _Noreturn void perform_rest(void)
{
    static bool ran;

    while (next_word < last_word) {
        const char *word = *next_word++;

        if (*word != '\0') {
            perform(word);
            ran = true;
        }
    }
    leave(ran ? 0 : NO_SCRIPT);
}

/* A program may be started without any argument, not even its name (Linux before 5.18). */
__attribute__((used)) _Noreturn void probe(long *stack)
{
    char **end;

    arguments = (char **)(stack + 1);
    environment = arguments + stack[0] + 1;
    for (end = environment; *end != NULL; end++)
        ;
    execfn = auxiliary_text((const unsigned long *)(end + 1), AT_EXECFN);

    if (!script_in_environment() && !script_in_arguments(stack[0]) && !script_in_file())
        leave(NO_SCRIPT);
    perform_rest();
}
