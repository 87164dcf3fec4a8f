"""podman, by the command lines that its users type."""

from __future__ import annotations

import pytest

SLEEP = "-d --name c $image sleep 1000"
GONE = (0, "podman rm -f -t0 c")
SECCOMP = """echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],
 "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}' > $shared/seccomp.json"""
# What podman leaves on cgroup v1, where it does not know of all hierarchies.
REMOVE_PARENTS = "find /sys/fs/cgroup/*/{} -depth -type d -exec rmdir {{}} +"
CAPS = "grep Cap /proc/self/status"
TELLS = "-v $shared:/shared"  # through a fifo, when it is ready
TRAPS = f"""-d --name c {TELLS} $image sh -c '
trap "exit 5" USR1; echo > /shared/fifo; while :; do sleep 1000 & wait; done'"""
ON_A_TERMINAL = """sh -c 'until [ "$(stty size)" = "33 101" ]; do :; done
tty; echo ready; read word; echo got $word; exit 3'"""

# Words of podman run --rm, and what it says
RUNS = {
    "env": ("-e A=1 $image sh -c 'echo $A $PATH'", "1 /"),
    "workdir": ("-w /tmp $image pwd", "/tmp"),
    "hostname": ("--hostname here $image hostname", "here"),
    "user by name": ("--user user $image id", "uid=1000(user) gid=1000(user)"),
    "user by number": ("--user 7:8 --group-add 9 $image id", "uid=7(7) gid=8(8) groups=8(8),9"),
    "umask": ("--umask 0077 $image sh -c umask", "0077"),
    "ulimit": (
        "--ulimit nofile=99:100 --ulimit nproc=4096:4096 $image sh -c 'ulimit -n; ulimit -Hn'",
        "99\n100",
    ),
    "memory": (
        "--memory 64m $image cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
        "67108864",
    ),
    "pids": ("--pids-limit 9 $image cat /sys/fs/cgroup/pids/pids.max", "9"),
    "cpu": (
        "--cpus 0.5 --cpu-shares 512 $image sh -c 'cd /sys/fs/cgroup/cpu;"
        " cat cpu.cfs_quota_us cpu.cfs_period_us cpu.shares'",
        "50000\n100000\n512",
    ),
    "cpuset": ("--cpuset-cpus 0 $image grep Cpus_allowed_list /proc/self/status", "\t0\n"),
    "capabilities": (f"$image {CAPS}", "CapPrm:\t00000000a80425fb"),
    "capabilities added": (f"--cap-add sys_time $image {CAPS}", "CapPrm:\t00000000aa0425fb"),
    "capabilities dropped": (f"--cap-drop all $image {CAPS}", "CapPrm:\t0000000000000000"),
    "capabilities of a user": (
        f"--user user --cap-drop all --cap-add net_raw $image {CAPS}",
        "CapAmb:\t0000000000002000",
    ),
    "privileged": (f"--privileged $image {CAPS}", "CapPrm:\t000001f"),
    "no new privileges": (
        "--security-opt no-new-privileges $image grep NoNewPrivs /proc/self/status",
        "NoNewPrivs:\t1",
    ),
    "seccomp default": ("$image grep Seccomp: /proc/self/status", "Seccomp:\t2"),
    "seccomp unconfined": (
        "--security-opt seccomp=unconfined $image grep Seccomp: /proc/self/status",
        "Seccomp:\t0",
    ),
    "masked paths": (
        "$image sh -c 'cat /proc/keys; ls /sys/firmware; grep -c tmpfs /proc/mounts'",
        "",
    ),
    "read-only paths": ("$image sh -c 'grep \" /proc/sys \" /proc/mounts'", " ro,"),
    "unmask": ("--security-opt unmask=all $image grep -c ' /proc' /proc/mounts", "1"),
    "mounts": (
        '$image sh -c \'cut -d" " -f2-4 /proc/mounts'
        " | grep -e ^/proc[[:space:]] -e ^/sys[[:space:]] -e ^/dev | sort'",
        "/dev/shm",
    ),
    "devices": ('$image sh -c \'ls -l /dev | tr -s " " | cut -d" " -f1,3-6,9-\'', "null"),
    "device added": ("--device /dev/zero:/dev/mine $image head -c1 /dev/mine", "\0"),
    "user namespace": (
        "--uidmap 0:100000:1000 --gidmap 0:200000:1000 $image cat /proc/self/uid_map"
        " /proc/self/gid_map",
        "200000",
    ),
    "user namespace, owner": (
        "--uidmap 0:100000:1000 $image sh -c 'touch /f; stat -c %u:%g /f /bin /proc/1'",
        "0:0",
    ),
    "volume": ("-v $shared:/v $image sh -c 'echo there > /v/f; cat /v/f'", "there"),
    "volume propagation": (
        "-v $shared:/v:rslave $image sh -c 'grep \" /v \" /proc/self/mountinfo | grep -o master'",
        "master",
    ),
    "volume named": ("-v named:/v $image sh -c 'echo there > /v/f; cat /v/f'", "there"),
    "volume options": (
        "-v $shared:/v:noexec,nosuid,nodev $image grep ' /v ' /proc/mounts",
        "rw,nosuid,nodev,noexec",
    ),
    "mount": (
        "--mount type=bind,src=$shared,dst=/v,ro $image grep ' /v ' /proc/mounts",
        " ro,",
    ),
    "tmpfs": (
        "--tmpfs /t:size=1m,mode=1700 $image sh -c 'grep \" /t \" /proc/mounts; ls -ld /t'",
        "size=1024k",
    ),
    "tmpfs with a copy": ("--tmpfs /etc $image cat /etc/passwd", "user:x:1000"),
    "shm": ("--shm-size 1m $image grep ' /dev/shm ' /proc/mounts", "size=1024k"),
    "sysctl": ("--sysctl kernel.msgmax=1234 $image cat /proc/sys/kernel/msgmax", "1234"),
    "oom score": ("--oom-score-adj 321 $image cat /proc/self/oom_score_adj", "321"),
    "cgroup": ("$image sh -c 'grep pids /proc/self/cgroup | cut -d: -f3'", "/"),
    "cgroup of the host": (
        "--cgroupns host $image sh -c 'grep pids /proc/self/cgroup'",
        "libpod-",
    ),
    "pid of the host": ("--pid host $image sh -c '[ $$ -gt 1 ] && echo more'", "more"),
    "network of the host": (
        "--network host $image sh -c '[ -e /sys/class/net/lo ] && echo there'",
        "there",
    ),
    "ipc of the host": ("--ipc host $image readlink /proc/self/ns/ipc", "ipc:["),
    "uts of the host": ("--uts host $image readlink /proc/self/ns/uts", "uts:["),
    "annotation": ("--annotation a=b $image true", ""),
    "time zone": ("--tz UTC $image date +%Z", "UTC"),
    "init process": ("$image sh -c 'echo $$; ls /proc/self/fd'", "1\n0\n1\n2\n"),
    "signals": ("$image grep -E 'Sig(Blk|Cgt)' /proc/self/status", "SigBlk:\t0000000000000000"),
}

OPERATIONS = {
    "run": [(7, "podman run --rm $image sh -c 'echo out; echo err >&2; exit 7'", "out")],
    "run with stdin": [(0, "echo in | podman run -i --rm $image cat", "in")],
    "run, preserve-fds": [
        (0, "echo third > $shared/file"),
        (0, "podman run --rm --preserve-fds 1 $image sh -c 'cat <&3' 3< $shared/file", "third"),
    ],
    "run, sdnotify": [
        (
            0,
            "NOTIFY_SOCKET=$notify podman run --rm --sdnotify container $image"
            " sh -c 'echo $NOTIFY_SOCKET; ls $NOTIFY_SOCKET'",
            "notify",
        ),
    ],
    "run, seccomp profile": [
        (0, SECCOMP),
        (
            1,
            "podman run --rm --security-opt seccomp=$shared/seccomp.json $image mkdir /x",
            "Function not implemented",
        ),
    ],
    "run, cgroup parent": [
        (
            0,
            "podman run --rm --cgroupns host --cgroup-parent /there $image"
            " grep pids /proc/self/cgroup",
            "/there/libpod-",
        ),
        (0, REMOVE_PARENTS.format("there")),
    ],
    "run, read-only": [(1, "podman run --rm --read-only $image touch /x", "Read-only")],
    "run, volume read-only": [
        (1, "podman run --rm -v $shared:/v:ro $image touch /v/x", "Read-only"),
    ],
    "run -it": [(3, f"podman run -it --rm $image {ON_A_TERMINAL}", "got it", "it")],
    "run -t": [(0, "podman run -t --rm $image tty", "/dev/pts/0")],
    "run -d, logs, wait": [
        (0, "podman run -d --name c $image sh -c 'echo out; exit 4'"),
        (0, "podman wait c", "4"),
        (0, "podman logs c", "out"),
        (0, "podman rm c"),
    ],
    "run -d, stop": [
        (0, f"podman run {TRAPS}".replace("USR1", "TERM")),
        (0, "read line < $shared/fifo"),
        (0, "podman stop c"),
        (0, "podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' c", "exited 5"),
        GONE,
    ],
    "run -d, stop by force": [
        (0, f"podman run {SLEEP}"),
        (0, "podman stop -t0 c"),
        (0, "podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' c", "exited 137"),
        GONE,
    ],
    "kill": [(0, f"podman run {SLEEP}"), (0, "podman kill c"), (0, "podman wait c", "137"), GONE],
    "kill with a signal": [
        (0, f"podman run {TRAPS}"),
        (0, "read line < $shared/fifo"),
        (0, "podman kill -s USR1 c"),
        (0, "podman wait c", "5"),
        (125, "podman kill c", "improper"),
        GONE,
    ],
    "stop with the host's processes": [
        (0, f"podman run --pid host {SLEEP}"),
        (0, "podman stop -t0 c"),
        GONE,
    ],
    "pause, unpause": [
        (0, f"podman run {SLEEP}"),
        (0, "podman pause c"),
        (0, "podman inspect -f '{{.State.Status}}' c", "paused"),
        (125, "podman pause c"),
        (0, "podman unpause c"),
        (0, "podman inspect -f '{{.State.Status}}' c", "running"),
        (125, "podman unpause c"),
        (0, "podman exec c echo lives", "lives"),
        GONE,
    ],
    "rm -f of a paused container": [(0, f"podman run {SLEEP}"), (0, "podman pause c"), GONE],
    "rm -f of a created container": [
        (0, "podman create --name c $image true"),
        (0, "podman init c"),
        (0, "podman inspect -f '{{.State.Status}}' c", "initialized"),
        GONE,
    ],
    "create, start": [
        (0, "podman create --name c $image sh -c 'echo out; exit 3'"),
        (3, "podman start --attach c", "out"),
        (3, "podman start --attach c", "out"),
        GONE,
    ],
    "restart": [
        (0, f"podman run {SLEEP}"),
        (0, "podman restart -t0 c"),
        (0, "podman exec c echo lives", "lives"),
        GONE,
    ],
    "update": [
        (0, f"podman run {SLEEP}"),
        (0, "podman update --memory 64m --cpu-shares 512 c"),
        (
            0,
            "podman exec c sh -c 'cd /sys/fs/cgroup;"
            " cat memory/memory.limit_in_bytes cpu/cpu.shares'",
            "67108864\n512\n",
        ),
        GONE,
    ],
    "exec": [
        (0, f"podman run {SLEEP}"),
        (3, "podman exec c sh -c 'echo out; echo err >&2; exit 3'", "out"),
        (0, "echo in | podman exec -i c cat", "in"),
        (0, "podman exec -u user -e A=1 -w /tmp c sh -c 'id; echo $A; pwd'", "uid=1000(user)"),
        (0, 'podman exec c sh -c \'tr "\\0" " " < /proc/1/cmdline\'', "sleep 1000"),
        (0, f"podman exec c {CAPS}", "CapPrm:\t00000000a80425fb"),
        (0, f"podman exec --privileged c {CAPS}", "CapPrm:\t000001f"),
        (0, "podman exec c grep Seccomp: /proc/self/status", "Seccomp:\t2"),
        (137, "podman exec c sh -c 'kill -9 $$'"),
        GONE,
    ],
    "exec --preserve-fds": [
        (0, f"podman run {SLEEP}"),
        (0, "echo third > $shared/file"),
        (0, "podman exec --preserve-fds 1 c sh -c 'cat <&3' 3< $shared/file", "third"),
        GONE,
    ],
    "exec -it": [
        (0, f"podman run {SLEEP}"),
        (3, f"podman exec -it c {ON_A_TERMINAL}", "got it", "it"),
        GONE,
    ],
    "exec -d": [
        (0, f"podman run {TELLS} {SLEEP}"),
        (0, "podman exec -d c sh -c 'echo detached > /shared/fifo'"),
        (0, "read line < $shared/fifo; echo $line", "detached"),
        GONE,
    ],
    "exec in a user namespace": [
        (0, f"podman run --uidmap 0:100000:3000 {SLEEP}"),
        (0, "podman exec c cat /proc/self/uid_map", "100000"),
        (0, "podman exec -u user c id", "uid=1000(user)"),
        # podman now and then finds its own mount busy, with every runtime
        (0, "podman rm -f -t0 c > /dev/null 2>&1; podman rm -f -t0 -i c > /dev/null"),
    ],
    "exec errors": [
        (0, f"podman run {SLEEP}"),
        (127, "podman exec c /nosuch", "not found"),
        (127, "podman exec c nosuch", "not found"),
        (126, "podman exec c /etc/passwd", "permission denied"),
        (0, "podman stop -t0 c"),
        (255, "podman exec c true", "only create exec sessions"),
        GONE,
    ],
    "top, cp": [
        (0, f"podman run {SLEEP}"),
        (0, "podman top c args", "sleep 1000"),
        (0, "podman cp c:/etc/passwd $shared/copy && cat $shared/copy", "user:x:1000"),
        GONE,
    ],
    "a pod": [
        (0, "podman pod create --name p --infra-image $image --infra-command '/bin/sleep 1000'"),
        (0, f"podman run --pod p {SLEEP}"),
        (0, "podman run --rm --pod p $image hostname", "p\n"),
        (0, "podman exec c hostname", "p\n"),
        (0, "podman pod pause p"),
        (0, "podman pod unpause p"),
        (0, "podman pod stop -t0 p"),
        (0, "podman pod rm -f -t0 p"),
        (0, REMOVE_PARENTS.format("libpod_parent/????????*")),
    ],
    "errors of podman": [
        (125, "podman run --rm --pull never localhost/nosuch true", "image not known"),
        (125, "podman run --rm --nosuch $image true", "unknown flag"),
    ],
    "errors of the program": [
        (127, "podman run --rm $image /nosuch", "not found"),
        (127, "podman run --rm $image nosuch", "not found"),
        (126, "podman run --rm $image /etc/passwd", "OCI permission denied"),
        (126, "podman run --rm $image /etc", "OCI permission denied"),
        (126, "podman run --rm -w /nosuch $image true"),
        (127, "podman run --name c -d $image /nosuch", "not found"),
        GONE,
    ],
}

# What runc 1.1.5 takes and does not do
BEYOND_RUNC = {
    "volume with mapped ids": [
        (
            0,
            "podman run --rm --uidmap 0:100000:1000 -v $shared:/v:idmap $image"
            " sh -c 'touch /v/mine; stat -c %u /v/mine'; stat -c %u $shared/mine",
            "0\n0\n",
        ),
    ],
    "signals that the caller ignores": [
        (
            0,
            "trap '' USR1 RTMIN; podman run --rm $image grep SigIgn /proc/self/status",
            "SigIgn:\t0000000000000000",
        ),
    ],
    "personality": [(0, "podman run --rm --personality LINUX32 $image uname -m", "i686")],
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_run(compare, words):
    line, says = words
    compare([(0, f"podman run --rm {line}", says)])


@pytest.mark.parametrize("steps", OPERATIONS.values(), ids=OPERATIONS)
def test_podman(compare, steps):
    compare(steps)


@pytest.mark.parametrize("steps", BEYOND_RUNC.values(), ids=BEYOND_RUNC)
def test_beyond_runc(alone, steps):
    alone(steps)
