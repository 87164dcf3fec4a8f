/* The machine and its kernel: start, system calls, and the little that a C library would give. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/termios.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/rtnetlink.h>
#include <linux/sched/types.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/utsname.h>

/* Not <stdint.h>: a C library's own defines __GLIBC__, which hides S_IF* in <linux/stat.h>. */
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INT64_TYPE__ int64_t;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIB 1024UL

/*
 * execve(2) leaves argc, argv, envp and the auxiliary vector on the stack, and the stack pointer at
 * argc, 16-byte aligned.  It is no function call: there is no return address.
 *
 * x86_64 has no default signal return: without SA_RESTORER a handler returns to address 0.
 * arm64 returns through the vDSO.
 */
#if defined(__x86_64__)

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call probe\n"
        ".globl signal_return\n"
        "signal_return:\n"
        "    mov $15, %eax\n" /* __NR_rt_sigreturn */
        "    syscall\n");

void signal_return(void);
#define HANDLER_FLAGS (SA_SIGINFO | SA_RESTART | SA_RESTORER)
#define RESTORER signal_return

static long raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    mov x29, #0\n"
        "    mov x30, #0\n"
        "    mov x0, sp\n"
        "    bl probe\n");

#define HANDLER_FLAGS (SA_SIGINFO | SA_RESTART)
#define RESTORER NULL

static long raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#else
#error "probe.c knows the system calls of x86_64 and aarch64 only: add _start and raw() for this machine"
#endif

/* CALL(name, arguments...): the raw result, a negative errno where the call failed. */
#define CALL(...) CALL_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CALL_PADDED(name, a, b, c, d, e, f, ...) \
    raw(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The kernel keeps -4095..-1 for errors: a pointer or a count is never in that range. */
static bool failed(long result) { return result < 0 && result >= -4095; }
static long errno_of(long result) { return failed(result) ? -result : 0; }

/* ------------------------------------------------------------------------ memory and text */

/* Compilers emit calls of these two even for freestanding code, and would make the bodies call
 * themselves if they recognised the loops. */
void *memset(void *target, int byte, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((char *)target)[i] = (char)byte;
        __asm__ volatile("" ::: "memory");
    }
    return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((char *)target)[i] = ((const char *)source)[i];
        __asm__ volatile("" ::: "memory");
    }
    return target;
}

static size_t length_of(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

/* What follows `prefix` in `text`, or NULL. */
static const char *after(const char *text, const char *prefix)
{
    while (*prefix != '\0')
        if (*text++ != *prefix++)
            return NULL;
    return text;
}

static bool same(const char *one, const char *other)
{
    const char *rest = after(one, other);

    return rest != NULL && *rest == '\0';
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* The number at *text in this base; *text moves behind it, and stays where there is no digit. */
static long digits(const char **text, int base)
{
    unsigned long number = 0;

    for (; digit_of(**text) < base; ++*text)
        number = number * (unsigned long)base + (unsigned long)digit_of(**text);
    return (long)number;
}

/* Decimal, 0x.. or negative; false where no number stands. */
static bool number_at(const char **text, long *number)
{
    bool negative = **text == '-';
    const char *start = *text + negative;
    int base = after(start, "0x") != NULL ? 16 : 10;
    const char *end = base == 16 ? start + 2 : start;
    const char *first = end;

    *number = digits(&end, base);
    if (negative)
        *number = (long)-(unsigned long)*number;
    if (end == first)
        return false;
    *text = end;
    return true;
}
