/* Other ways into the kernel: a second thread, and the entry for 32-bit programs. */

#pragma once

#include "tries.h"

#include <linux/futex.h>
#include <linux/sched.h>

/*
 * new_thread(flags, stack, parent_tid, child_tid) is clone(2); the thread has another stack, so it
 * cannot return and calls in_thread instead.
 */
#if defined(__x86_64__)
__asm__(".text\n"
        "new_thread:\n"
        "    mov %rcx, %r10\n"
        "    xor %r8d, %r8d\n"
        "    mov $56, %eax\n" /* __NR_clone */
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jz 1f\n"
        "    ret\n"
        "1:  xor %ebp, %ebp\n"
        "    call in_thread\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        "new_thread:\n"
        "    mov x4, x3\n"
        "    mov x3, #0\n"
        "    mov x8, #220\n" /* __NR_clone */
        "    svc #0\n"
        "    cbz x0, 1f\n"
        "    ret\n"
        "1:  mov x29, #0\n"
        "    mov x30, #0\n"
        "    bl in_thread\n");
#endif

long new_thread(unsigned long flags, void *stack, int *parent_tid, int *child_tid);

#define THREAD                                                                                     \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_CHILD_CLEARTID)

static char threads_stack[16 * KIB] __attribute__((aligned(16)));

static struct {
    struct call call;
    long result;
    bool returned;
} threads_call;

/* What the thread does where it is there for more than a call. */
static void (*instead)(void);

__attribute__((used)) _Noreturn void in_thread(void)
{
    if (instead != NULL)
        instead();
    threads_call.result = make_call(&threads_call.call);
    threads_call.returned = true;
    for (;;)
        CALL(exit, 0);
}

/* The thread is waited for before anything is printed: lines have one buffer. */
static void try_thread(const char *argument)
{
    static volatile int running;
    long tid;

    threads_call.call = parsed_call(argument);
    threads_call.returned = false;
    running = 1;
    tid = new_thread(THREAD, threads_stack + sizeof(threads_stack), NULL, (int *)&running);
    start_try("thread", argument);
    if (failed(tid)) {
        end_try(tid);
        return;
    }
    while (running != 0)
        CALL(futex, &running, FUTEX_WAIT, 1, NULL, NULL, 0);
    member("nr", threads_call.call.values[0]);
    if (threads_call.returned) {
        end_try(threads_call.result);
        return;
    }
    key("errno");
    null();
    key("result");
    null();
    end_line();
}

/* The entry for 32-bit programs, which a 64-bit one may use as well.  Numbers are those of i386. */
static void try_int80(const char *argument)
{
#if defined(__x86_64__)
    struct call call = parsed_call(argument);
    long result;

    if (call.name != NULL)
        bad_word();
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(call.values[0]), "b"(call.values[1]), "c"(call.values[2]), "d"(call.values[3])
                     : "r8", "r9", "r10", "r11", "memory");
    start_try("int80", argument);
    member("nr", call.values[0]);
    end_try((int)result);
#else
    (void)argument;
    bad_word();
#endif
}
