"""containerd, through ctr: its shim is what calls the runtime."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("containerd")

SHARED = "--mount type=bind,src=$shared,dst=/shared,options=rbind:rw"
SLEEP = (0, "ctr run -d $image c sleep 1000")
READY = (0, "read line < $shared/fifo")
GONE = (0, "ctr task delete --force c && ctr container delete c")
STATUS = "ctr task ls | grep -ow -e RUNNING -e PAUSED -e STOPPED"
ON_A_TERMINAL = """sh -c 'until [ "$(stty size)" = "33 101" ]; do :; done
tty; echo ready; read word; echo got $word; exit 3'"""
CAPS = "grep Cap /proc/self/status"

# Words of ctr run --rm, and what it says
RUNS = {
    "env": ("--env A=1 $image c sh -c 'echo $A'", "1"),
    "cwd": ("--cwd /tmp $image c pwd", "/tmp"),
    "root file system": ("--rootfs $rootfs c /bin/cat /etc/passwd", "user:x:1000"),
    "capabilities": (f"$image c {CAPS}", "CapPrm:\t00000000a80425fb"),
    "capabilities added": (f"--cap-add CAP_SYS_TIME $image c {CAPS}", "CapPrm:\t00000000aa0425fb"),
    "capabilities dropped": (f"--cap-drop CAP_CHOWN $image c {CAPS}", "CapPrm:\t00000000a80425fa"),
    "privileged": (f"--privileged $image c {CAPS}", "CapPrm:\t000001f"),
    "seccomp": ("--seccomp $image c grep Seccomp: /proc/self/status", "Seccomp:\t2"),
    "seccomp unconfined": ("$image c grep Seccomp: /proc/self/status", "Seccomp:\t0"),
    "new privileges": (
        "--allow-new-privs $image c grep NoNewPrivs /proc/self/status",
        "NoNewPrivs:\t0",
    ),
    "memory": (
        "--memory-limit 67108864 --mount type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro"
        " $image c cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
        "67108864",
    ),
    "cpu": (
        "--cpus 0.5 --mount type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro"
        " $image c cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us",
        "50000",
    ),
    "read-only": ("--read-only $image c sh -c 'touch /x || echo refused'", "refused"),
    "mount read-only": (
        "--mount type=bind,src=$shared,dst=/v,options=rbind:ro $image c"
        " sh -c 'touch /v/x || echo refused'",
        "refused",
    ),
    "propagation of the root": (
        "--rootfs-propagation slave $image c"
        " sh -c 'head -n1 /proc/self/mountinfo | cut -d\" \" -f4-7'",
        "/ / rw,relatime",
    ),
    "network of the host": (
        "--net-host $image c sh -c 'test -e /proc/self && echo there'",
        "there",
    ),
    "device": ("--device /dev/full $image c sh -c 'echo > /dev/full || echo full'", "full"),
    "init process": ("$image c sh -c 'echo $$; ls /proc/self/fd'", "1\n0\n1\n2\n"),
    "null io": ("--null-io $image c echo nothing", ""),
}

OPERATIONS = {
    "run": [(7, "ctr run --rm $image c sh -c 'echo out; echo err >&2; exit 7'", "out")],
    "run with stdin": [(0, "echo in | ctr run --rm $image c head -n1", "in")],
    "run -t": [(3, f"ctr run --rm -t $image c {ON_A_TERMINAL}", "got it", "it")],
    "run with a seccomp profile": [
        (
            0,
            """echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ERRNO",
            "names": ["mkdir", "mkdirat"]}]}' > $shared/seccomp.json""",
        ),
        (
            1,
            "ctr run --rm --seccomp --seccomp-profile $shared/seccomp.json $image c mkdir /x",
            "not permitted",
        ),
    ],
    "run -d, kill": [
        SLEEP,
        (0, STATUS, "RUNNING"),
        (0, "ctr task kill -s KILL c"),
        (137, "ctr task attach c"),
        (1, "ctr task kill c", "not found"),
        (0, "ctr container delete c"),
    ],
    "run, kill with a signal": [
        (
            5,
            f"""ctr run --rm {SHARED} $image c sh -c 'trap "exit 5" USR1; echo > /shared/fifo
            while :; do sleep 1000 & wait; done' &
            read line < $shared/fifo; ctr task kill -s USR1 c; wait $!""",
        ),
    ],
    "run, cgroup": [
        (0, "ctr run --rm --cgroup /there/c $image c grep pids /proc/self/cgroup", "/there/c"),
        (0, "rmdir /sys/fs/cgroup/*/there 2> /dev/null || true"),  # runc leaves it
    ],
    "run with a namespace of another": [
        SLEEP,
        (
            0,
            "path=/proc/$(ctr task ls | sed 1d | tr -s ' ' | cut -d' ' -f2)/ns/net;"
            " there=$(readlink $path); ctr run --rm --with-ns network:$path $image other"
            " readlink /proc/self/ns/net | grep -Fx $there > /dev/null && echo the same",
            "the same",
        ),
        GONE,
    ],
    "kill -a": [
        (
            0,
            f"ctr run -d {SHARED} $image c"
            " sh -c 'sleep 1001 & echo > /shared/fifo; exec sleep 1000'",
        ),
        READY,
        (0, "ctr task kill -a -s KILL c"),
        (137, "ctr task attach c"),
        (0, "ctr container delete c"),
    ],
    "pause, resume": [
        SLEEP,
        (0, "ctr task pause c"),
        (0, STATUS, "PAUSED"),
        (0, "ctr task resume c"),
        (0, STATUS, "RUNNING"),
        (0, "ctr task exec --exec-id e c echo lives", "lives"),
        GONE,
    ],
    "delete -f of a paused container": [
        SLEEP,
        (0, "ctr task pause c"),
        (0, "ctr task resume c"),
        GONE,
    ],
    "exec": [
        SLEEP,
        (3, "ctr task exec --exec-id e c sh -c 'echo out; echo err >&2; exit 3'", "out"),
        (0, "echo in | ctr task exec --exec-id e c head -n1", "in"),
        (0, "ctr task exec --exec-id e --user 1000 --cwd /tmp c sh -c 'id -u; pwd'", "1000\n/tmp"),
        (0, f"ctr task exec --exec-id e c {CAPS}", "CapPrm:\t00000000a80425fb"),
        (137, "ctr task exec --exec-id e c sh -c 'kill -9 $$'"),
        (1, "ctr task exec --exec-id e c /nosuch", "no such file"),
        (1, "ctr task exec --exec-id e c nosuch", "not found in $PATH"),
        GONE,
    ],
    "exec -t": [
        SLEEP,
        (3, f"ctr task exec --exec-id e -t c {ON_A_TERMINAL}", "got it", "it"),
        GONE,
    ],
    "exec -d": [
        (0, f"ctr run -d {SHARED} $image c sleep 1000"),
        (0, "ctr task exec -d --exec-id e c sh -c 'echo detached > /shared/fifo'"),
        (0, "read line < $shared/fifo; echo $line", "detached"),
        GONE,
    ],
    "exec, kill": [
        (0, f"ctr run -d {SHARED} $image c sleep 1000"),
        (
            137,
            "ctr task exec --exec-id e c sh -c 'echo > /shared/fifo; sleep 1001' &"
            " read line < $shared/fifo; ctr task kill --exec-id e -s KILL c; wait $!",
        ),
        GONE,
    ],
    "ps": [
        SLEEP,
        (
            0,
            "ctr task ps c | sed 1d |"
            " while read pid info; do tr '\\0' ' ' < /proc/$pid/cmdline; done",
            "sleep 1000",
        ),
        GONE,
    ],
    "delete of what runs": [
        SLEEP,
        (1, "ctr task delete c", "running"),
        (1, "ctr container delete c", "cannot delete a non stopped container"),
        GONE,
    ],
    "the same id twice": [SLEEP, (1, "ctr run -d $image c true", "already exists"), GONE],
    "errors of the program": [
        (1, "ctr run --rm $image c /nosuch", "no such file or directory"),
        (1, "ctr run --rm $image c nosuch", "executable file not found in $PATH"),
        (1, "ctr run --rm $image c /etc/passwd", "permission denied"),
        (1, "ctr run --rm $image c /etc", "permission denied"),
    ],
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_run(compare, words):
    line, says = words
    compare([(0, f"ctr run --rm {line}", says)])


@pytest.mark.parametrize("steps", OPERATIONS.values(), ids=OPERATIONS)
def test_ctr(compare, steps):
    compare(steps)
