"""The exec and run operations: further programs in a container."""

from __future__ import annotations

import array
import json
import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from reference_runtime import affinity

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


@pytest.fixture
def process_file(tmp_path):
    """Write the file of --process."""

    def write(*args: str, **members: object) -> str:
        process = {"args": args, "cwd": "/", "user": {"uid": 0, "gid": 0}, **members}
        (tmp_path / "process.json").write_text(json.dumps(process))
        return str(tmp_path / "process.json")

    return write


@pytest.fixture
def detached(runtime, tmp_path):
    """Execute with --detach; give the /proc directory of the program."""

    def execute(identifier: str, file: str, *options: str) -> Path:
        pid_file = tmp_path / "exec.pid"
        result = runtime(
            "exec", "--detach", "--pid-file", str(pid_file), "--process", file, *options, identifier
        )
        assert result.ok, result.stderr
        assert pid_file.read_text().isdigit()
        return Path("/proc", pid_file.read_text())

    return execute


@pytest.fixture
def reachable():
    """A root that a mapped user may enter: no other may enter the directories of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        os.chown(directory, 100000, 100000)
        yield Path(directory)


def test_the_program_is_in_namespaces_and_cgroups_of_the_container(
    runtime, running, process_file, detached
):
    first = Path(f"/proc/{runtime.state(running)['pid']}")

    program = detached(running, process_file("/program", "wait"))

    for kind in KINDS:
        assert os.readlink(program / "ns" / kind) == os.readlink(first / "ns" / kind), kind
    assert (program / "cgroup").read_text() == (first / "cgroup").read_text()
    assert os.path.samestat((program / "root").stat(), (first / "root").stat())
    listed = json.loads(runtime("ps", "--format", "json", running).stdout)
    assert listed == sorted(map(int, (first.name, program.name)))
    assert runtime.state(running)["status"] == "running"


def test_the_program_gets_what_the_file_says(running, process_file, detached):
    sets = ("bounding", "permitted", "effective", "inheritable", "ambient")
    file = process_file(
        "program", "wait", "b c",
        cwd="/proc",
        env=["PATH=/nowhere:/", "A=1"],
        user={"uid": 1000, "gid": 1001, "umask": 0o027, "additionalGids": [5, 6]},
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
        noNewPrivileges=True,
        oomScoreAdj=300,
        capabilities={name: ["CAP_KILL"] for name in sets},
        execCPUAffinity={"initial": "0-1", "final": "0"},
    )  # fmt: skip

    program = detached(running, file)

    assert (program / "cmdline").read_bytes() == b"program\0wait\0b c\0"
    assert (program / "environ").read_bytes() == b"PATH=/nowhere:/\0A=1\0"
    assert os.readlink(program / "cwd").endswith("/proc")
    assert (program / "oom_score_adj").read_text() == "300\n"
    assert sorted(entry.name for entry in (program / "fd").iterdir()) == ["0", "1", "2"]
    lines = (program / "status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert status["Uid"] == ["1000"] * 4
    assert status["Gid"] == ["1001"] * 4
    assert status["Groups"] == ["5", "6"]
    assert status["Umask"] == ["0027"]
    assert status["NoNewPrivs"] == ["1"]
    assert status["SigIgn"] == ["0" * 16]
    assert status["Cpus_allowed_list"] == ["0"]
    for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert int(status[name][0], 16) == 1 << 5, name
    assert "Max open files            100                  200" in (program / "limits").read_text()


@pytest.mark.parametrize("status", [0, 7, 255])
def test_the_status_is_the_program_s(runtime, running, process_file, status):
    file = process_file("/program", "exit", str(status))

    assert runtime("exec", "--process", file, running).status == status


def _executes(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/program\0")


def test_the_status_of_a_killed_program_is_128_and_the_signal(runtime, running, process_file):
    call = runtime.start_process("exec", "-p", process_file("/program", "wait"), running)
    first = runtime.state(running)["pid"]
    program = first
    # Before its execve(2) it is a process of the runtime's, whose end is another matter.
    while program == first or not _executes(program):
        program = json.loads(runtime("ps", "--format=json", running).stdout)[-1]

    os.kill(program, 9)

    assert call.wait() == 137


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"args": ["/none"]}, 'exec: "/none": stat /none: no such file or directory'),
        ({"args": ["none"]}, "executable file not found in $PATH"),
        ({"cwd": "/none"}, "process.cwd"),
        ({"user": {}}, "process.user.uid"),
        ({"terminal": True}, "--console-socket"),
        ({"execCPUAffinity": {"initial": "4-"}}, "process.execCPUAffinity.initial"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--detach",)], ids=["waiting", "detached"])
def test_what_cannot_be_executed_is_an_error_of_255(
    runtime, running, process_file, tmp_path, options, members, text
):
    file = process_file("/program", "exit")
    process = {**json.loads(Path(file).read_text()), **members}
    Path(file).write_text(json.dumps(process))
    pid_file = tmp_path / "pid"

    result = runtime("exec", *options, "--pid-file", str(pid_file), "--process", file, running)

    assert result.status == 255
    assert text in result.stderr
    assert not pid_file.exists()
    assert len(json.loads(runtime("ps", "--format", "json", running).stdout)) == 1


def test_a_stopped_or_paused_container_takes_no_program(runtime, running, process_file):
    file = process_file("/program", "exit")
    assert runtime("pause", running).ok
    paused = runtime("exec", "--process", file, running)
    assert (paused.status, "paused" in paused.stderr) == (255, True)
    assert runtime("resume", running).ok
    runtime.stop(running)

    stopped = runtime("exec", "--process", file, running)

    assert stopped.status == 255
    assert "cannot exec in a stopped container" in stopped.stderr
    assert runtime("exec", "--process", file, "none").status == 255


def test_a_created_container_takes_a_program(runtime, config, make_bundle, process_file):
    identifier = runtime.create(make_bundle(config))

    assert runtime("exec", "-p", process_file("/program", "exit", "3"), identifier).status == 3

    assert runtime.state(identifier)["status"] == "created"


def test_a_user_namespace_is_joined(
    runtime, config, make_bundle, program, process_file, detached, reachable
):
    config["linux"]["namespaces"].append({"type": "user"})
    mapping = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    config["linux"].update(uidMappings=mapping, gidMappings=mapping)
    config["root"]["path"] = str(reachable)
    shutil.copy(program, reachable / "program")
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok

    joined = detached(identifier, process_file("/program", "wait", user={"uid": 5, "gid": 6}))

    first = Path(f"/proc/{runtime.state(identifier)['pid']}")
    assert os.readlink(joined / "ns/user") == os.readlink(first / "ns/user")
    assert "Uid:\t100005\t100005" in (joined / "status").read_text()


def test_without_a_mount_namespace_the_root_is_the_container_s(
    runtime, config, make_bundle, process_file, detached
):
    config["linux"]["namespaces"] = [{"type": "pid"}]
    config["mounts"] = []
    bundle = make_bundle(config)
    identifier = runtime.create(bundle)
    assert runtime("start", identifier).ok

    program = detached(identifier, process_file("/program", "wait"))

    assert os.path.samestat((program / "root").stat(), (bundle / "rootfs").stat())


def test_a_terminal_is_handed_over(runtime, config, make_bundle, process_file, detached, tmp_path):
    config["mounts"].append({
        "destination": "/dev/pts", "type": "devpts", "source": "devpts",
        "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
    })  # fmt: skip
    running = runtime.create(make_bundle(config))
    assert runtime("start", running).ok
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "console"))
    listener.listen()
    listener.settimeout(10)
    file = process_file("/program", "wait", consoleSize={"height": 33, "width": 101})
    first = Path(f"/proc/{runtime.state(running)['pid']}")
    assert not (first / "root/dev/console").exists()

    program = detached(running, file, "--tty", "--console-socket", str(tmp_path / "console"))

    caller = listener.accept()[0]
    _, rights, *_ = caller.recvmsg(100, socket.CMSG_SPACE(4))
    (master,) = array.array("i", rights[0][2])
    assert os.get_terminal_size(master) == (101, 33)
    assert stat.S_ISCHR((program / "fd/0").stat().st_mode)
    assert os.readlink(program / "fd/0").startswith("/dev/pts/")
    assert not (first / "root/dev/console").exists()


def test_run_waits_and_deletes(runtime, config, make_bundle, cgroups):
    config["process"]["args"] = ["/program", "exit", "9"]
    bundle = make_bundle(config)
    identifier = runtime.new_id()

    assert runtime("run", "--bundle", str(bundle), identifier).status == 9

    assert not runtime.knows(identifier)
    assert not cgroups()


def test_run_detached_leaves_a_running_container(runtime, config, make_bundle):
    bundle = make_bundle(config)
    identifier = runtime.new_id()

    assert runtime("run", "-d", "-b", str(bundle), identifier).ok

    assert runtime.state(identifier)["status"] == "running"


def test_run_of_what_cannot_be_created_is_an_error_of_255(runtime, config, make_bundle):
    config["process"]["args"] = ["/none"]

    assert runtime("run", "-b", str(make_bundle(config)), runtime.new_id()).status == 255

    assert not list(runtime.root.iterdir())


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "0-4000000000", "0,,1"])
def test_a_list_of_cpus_may_be_wrong(text):
    with pytest.raises(ValueError, match=r"CPU|range"):
        affinity.cpus(text)


def test_a_list_of_cpus_has_ranges():
    assert affinity.cpus("0-3, 7") == {0, 1, 2, 3, 7}
