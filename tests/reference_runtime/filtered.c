/* What runs behind the filters of test_reference_seccomp.py: without a libc, whose own start makes
 * system calls.  filtered [NUMBER [ARGUMENT...]]: makes the call, and exits with its errno or 0. */

__asm__(".globl _start\n"
        "_start:\n"
#if defined(__x86_64__)
        "mov %rsp, %rdi\n"
        "and $-16, %rsp\n"
        "call run\n"
#elif defined(__aarch64__)
        "mov x0, sp\n"
        "bl run\n"
#endif
);

static long call(long number, const long *a) {
#if defined(__x86_64__)
    long result = number;
    register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall" : "+a"(result) : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1];
    register long x2 __asm__("x2") = a[2], x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

static long number(const char *text) {
    unsigned long value = 0;
    for (; *text; text++) value = 10 * value + (unsigned long)(*text - '0');
    return (long)value;
}

__attribute__((noreturn, used)) void run(long *stack) {
    long words = stack[0] - 1, a[6] = {0}, result = 0;
    char **argv = (char **)(stack + 2);
    for (int i = 0; i < 6 && i + 1 < words; i++) a[i] = number(argv[i + 1]);
    if (words > 0) result = call(number(argv[0]), a);
    long status[6] = {result < 0 ? -result : 0};
#if defined(__x86_64__)
    for (;;) call(231, status);
#else
    for (;;) call(94, status);
#endif
}
