/* Print the serial number of this program's session keyring.
 * keyring COMMAND ARGUMENT...: begin a session keyring, print its number, execute the command. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const int get_keyring_id = 0, join_session_keyring = 1, session_keyring = -3;
    if (argc > 1) syscall(SYS_keyctl, join_session_keyring, NULL);
    printf("%ld\n", syscall(SYS_keyctl, get_keyring_id, session_keyring, 1));
    fflush(stdout);
    return argc > 1 ? execv(argv[1], argv + 1) : 0;
}
