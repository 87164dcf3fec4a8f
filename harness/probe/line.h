/* One line of JSON: made in a buffer, written by one write(2). */

#pragma once

#include "machine.h"

/* Exit statuses that no word can be mistaken for. */
enum { NO_FIFO = 96, NO_DESTINATION = 97, BAD_WORD = 98, NO_SCRIPT = 99 };

struct line {
    char *bytes;
    size_t size;
    size_t length;
    bool cut;
};

/* Names, brackets and numbers of a started value always fit: contents stop this far before the end. */
#define RESERVE (16 * KIB)

static char script_bytes[1024 * KIB];
static char signal_bytes[RESERVE + 1 * KIB];
static struct line script_line = {.bytes = script_bytes, .size = sizeof(script_bytes)};
/* A handler may run while the script is in the middle of its own line. */
static struct line signal_line = {.bytes = signal_bytes, .size = sizeof(signal_bytes)};
static struct line *line = &script_line;

static const char *nonce = "";
static const char *as = "";
static int destination = 1;

/* getgroups(2) knows up to 65536 groups of four bytes. */
static char scratch[256 * KIB] __attribute__((aligned(16)));

static void put(char c)
{
    if (line->length < line->size)
        line->bytes[line->length++] = c;
}

static void put_plain(const char *text)
{
    while (*text != '\0')
        put(*text++);
}

/* False, and the line is marked, where no further item may be started. */
static bool room(size_t bytes)
{
    if (line->length + bytes + RESERVE <= line->size)
        return true;
    line->cut = true;
    return false;
}

static void put_escaped(const char *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < count && room(6); i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c < 0x20 || c == 0x7f) {
            put_plain("\\u00");
            put(hex[c >> 4]);
            put(hex[c & 15]);
            continue;
        }
        if (c == '"' || c == '\\')
            put('\\');
        put((char)c);
    }
}

static void put_number(uint64_t number, unsigned int base, int width)
{
    static const char all[] = "0123456789abcdef";
    char reversed[24];
    int count = 0;

    do {
        reversed[count++] = all[number % base];
        number /= base;
    } while (number != 0);
    while (count < width)
        reversed[count++] = '0';
    while (count > 0)
        put(reversed[--count]);
}

static void comma(void)
{
    char last = line->bytes[line->length - 1];

    if (last != '{' && last != '[' && last != ':')
        put(',');
}

static void begin(char bracket)
{
    comma();
    put(bracket);
}

static void text_of(const char *bytes, size_t count)
{
    begin('"');
    put_escaped(bytes, count);
    put('"');
}

static void text(const char *value) { text_of(value, length_of(value)); }

/* Names are the program's own words: nothing to escape, and never cut. */
static void key(const char *name)
{
    begin('"');
    put_plain(name);
    put('"');
    put(':');
}

static void plain(const char *word)
{
    comma();
    put_plain(word);
}

static void null(void) { plain("null"); }
static void truth(bool value) { plain(value ? "true" : "false"); }

static void natural(uint64_t value)
{
    comma();
    put_number(value, 10, 1);
}

static void number(long value)
{
    comma();
    if (value < 0)
        put('-');
    put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 1);
}

static void hex16(uint64_t value)
{
    begin('"');
    put_number(value, 16, 16);
    put('"');
}

static void number_or_null(long result)
{
    if (failed(result))
        null();
    else
        number(result);
}

static void member(const char *name, long value)
{
    key(name);
    number(value);
}

static void text_member(const char *name, const char *value)
{
    key(name);
    text(value);
}

static void start_line(const char *event)
{
    line->length = 0;
    line->cut = false;
    put('{');
    text_member("nonce", nonce);
    text_member("as", as);
    text_member("event", event);
}

/* A write that fails with EPIPE or EFBIG also raises SIGPIPE or SIGXFSZ.  A handler whose report
 * fails so would be called for it again, for ever. */
static void drop_signals_of_a_failed_report(void)
{
    uint64_t both = 1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1);
    struct __kernel_timespec at_once = {0, 0};

    while (!failed(CALL(rt_sigtimedwait, &both, NULL, &at_once, sizeof(both))))
        ;
}

/*
 * Writes to a file opened with O_APPEND hold the inode's lock: lines of several processes never mix.
 * (On a pipe that holds up to PIPE_BUF, 4096 bytes.)  A caught signal may cut a write to a pipe short,
 * hence the mask; a nonblocking pipe may be full, hence ppoll.
 */
static void write_out(void)
{
    uint64_t all = ~0UL, before;
    size_t done = 0;

    CALL(rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
    while (done < line->length) {
        long result = CALL(write, destination, line->bytes + done, line->length - done);
        struct { int fd; short events, revents; } writable = {destination, 4 /* POLLOUT */, 0};

        if (result == -EAGAIN)
            CALL(ppoll, &writable, 1, NULL, NULL, 0);
        else if (failed(result))
            break;
        else
            done += (size_t)result;
    }
    if (done < line->length && line == &signal_line)
        drop_signals_of_a_failed_report();
    CALL(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

static void end_line(void)
{
    if (line->cut) {
        key("cut");
        truth(true);
    }
    put('}');
    put('\n');
    write_out();
}

static _Noreturn void leave(long status)
{
    for (;;)
        CALL(exit_group, status);
}

static _Noreturn void give_up(const char *word, long error, int status)
{
    start_line("error");
    text_member("word", word);
    member("errno", error);
    end_line();
    leave(status);
}

/* The word being run, for give_up. */
static const char *current_word = "";

static _Noreturn void bad_word(void) { give_up(current_word, EINVAL, BAD_WORD); }

static long argument_number(const char *argument)
{
    long value;

    if (!number_at(&argument, &value) || *argument != '\0')
        bad_word();
    return value;
}

static int argument_signal(const char *argument)
{
    long value = argument_number(argument);

    if (value < 1 || value > 64)
        bad_word();
    return (int)value;
}
