/* What the containers of these tests run: the first argument says what to do. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int number) { _exit(100 + number); }

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "exit";
    if (!strcmp(what, "append")) { /* append FILE TEXT: what hooks do */
        int fd = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0666);
        if (fd < 0 || write(fd, argv[3], strlen(argv[3])) < 0) return 1;
        return argc > 4 ? atoi(argv[4]) : 0;
    }
    if (!strcmp(what, "wait")) { /* until a signal comes */
        for (int number = 1; number < 32; number++)
            if (number != SIGKILL && number != SIGSTOP) signal(number, leave);
        for (;;) pause();
    }
    if (!strcmp(what, "orphan")) { /* leave a child behind */
        if (fork() == 0)
            for (;;) pause();
        return 0;
    }
    return argc > 2 ? atoi(argv[2]) : 0;
}
