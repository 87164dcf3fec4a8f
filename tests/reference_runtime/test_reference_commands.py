"""The command line that engines speak: its options, what they hand over, what they get back."""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PR_SET_CHILD_SUBREAPER = 36
OPERATIONS = ("delete", "exec", "kill", "pause", "ps", "resume", "start", "state", "update")


def test_version_and_help(runtime):
    assert runtime("-v").stdout == runtime("--version").stdout
    assert runtime("--version").stdout.startswith("reference-runtime version ")
    assert "--pid-file" in runtime("create", "--help").stdout
    assert "update" in runtime("-h").stdout
    nothing = subprocess.run([runtime.launcher], capture_output=True, text=True, check=False)
    assert (nothing.returncode, "usage" in nothing.stdout) == (1, True)


@pytest.mark.parametrize("operation", ["checkpoint", "restore", "events"])
@pytest.mark.parametrize("words", [(), ("--help",), ("--image-path", "x", "id")])
def test_what_is_not_implemented_is_refused(runtime, operation, words):
    """Status 0 of `checkpoint --help` would tell Podman that there is such an operation."""
    result = runtime(operation, *words)

    assert result.status == 1
    assert result.stderr == f"reference-runtime: {operation}: this runtime does not implement it\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--systemd-cgroup",), "--systemd-cgroup: "),
        (("--cgroup-manager=systemd",), "--cgroup-manager systemd: "),
        (("--cgroup-manager", "none"), "--cgroup-manager: 'none'"),
        (("--log-format=xml",), "--log-format: 'xml'"),
        (("--nothing",), "unknown option --nothing"),
        (("--root",), "--root needs a value"),
    ],
)
def test_globals_that_are_wrong(runtime, words, text):
    command = [str(runtime.launcher), *words, *(["state", "x"] if words != ("--root",) else [])]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert text in result.stderr
    assert "\n" not in result.stderr.rstrip("\n")


def test_debug_says_what_is_done(runtime, config, make_bundle):
    bundle = make_bundle(config)
    result = runtime("--debug", "create", "-b", str(bundle), runtime.new_id())

    assert result.ok
    assert "debug: step 2: mount each entry of mounts" in result.stderr


def test_flags_may_have_a_value(runtime, running):
    assert not runtime("delete", "--force=false", running).ok
    assert "neither true nor false" in runtime("delete", "--force=maybe", running).stderr
    assert runtime("delete", running, "--force=true").ok
    assert not runtime.knows(running)


@pytest.mark.parametrize(
    "words", [("--all", "ID", "9"), ("ID", "--all", "KILL"), ("ID", "9", "-a")]
)
def test_all_stands_before_or_behind_the_id(runtime, running, words):
    pidfd = os.pidfd_open(runtime.state(running)["pid"])

    assert runtime("kill", *(running if word == "ID" else word for word in words)).ok

    assert ended(pidfd)


def ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    answer = bool(poll.poll(10_000))
    os.close(pidfd)
    return answer


def test_an_unknown_id_does_not_exist(runtime, tmp_path):
    """The words by which containerd knows that there is nothing to clean up."""
    for operation in OPERATIONS:
        log = tmp_path / f"{operation}.json"
        options = [f"--log={log}", "--log-format=json"]
        more = {"exec": ["cmd"], "update": ["--pids-limit=1"]}.get(operation, [])
        words = [*options, operation, *more, "none"]
        if operation == "exec":
            words = [*options, "exec", "none", "cmd"]
        result = runtime(*words)
        assert result.status == (255 if operation == "exec" else 1)
        assert "does not exist" in result.stderr
        (line,) = log.read_text().splitlines()
        entry = json.loads(line)
        assert entry["level"] == "error"
        assert "does not exist" in entry["msg"]
        assert not result.stderr.startswith("{")
    assert runtime("delete", "--force", "none").ok


def test_the_words_that_engines_look_for(runtime, config, make_bundle):
    bundle = str(make_bundle(config))
    identifier = runtime.create(Path(bundle))
    again = runtime("create", "-b", bundle, identifier).stderr
    assert "container with given ID already exists" in again
    assert "container not paused" in runtime("resume", identifier).stderr
    assert runtime("start", identifier).ok
    assert "cannot start an already running container" in runtime("start", identifier).stderr
    running = runtime("delete", identifier).stderr
    assert f"cannot delete container {identifier} that is not stopped: running" in running
    runtime.stop(identifier)
    assert "container not running" in runtime("kill", identifier, "9").stderr
    assert "container not running" in runtime("pause", identifier).stderr
    assert "cannot exec in a stopped container" in runtime("exec", identifier, "x").stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("none", 'exec: "none": executable file not found in $PATH'),
        ("/none", 'exec: "/none": stat /none: no such file or directory'),
        ("/data", 'exec: "/data": permission denied'),
    ],
)
def test_create_errors_on_a_program_that_is_not_there(
    runtime, config, make_bundle, tmp_path, name, text
):
    config["process"]["args"] = [name]
    bundle = make_bundle(config)
    (bundle / "rootfs/data").write_text("")
    pid_file = tmp_path / "pid"
    identifier = runtime.new_id()

    result = runtime("create", "-b", str(bundle), "--pid-file", str(pid_file), identifier)

    assert result.status == 1
    assert text in result.stderr
    assert not pid_file.exists()
    assert runtime("delete", "--force", identifier).ok


@pytest.mark.parametrize("environment", [{}, {"XDG_RUNTIME_DIR": ""}], ids=str)
def test_engines_give_next_to_no_environment(runtime, config, make_bundle, environment, tmp_path):
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"/usr/bin/env > {tmp_path}/env"]}
    config["hooks"] = {"createRuntime": [hook]}
    identifier = runtime.new_id()
    bundle = str(make_bundle(config))

    for words in (("create", "-b", bundle, identifier), ("start", identifier),
                  ("kill", identifier, "9"), ("delete", "--force", identifier)):  # fmt: skip
        result = runtime(*words, env=environment, cwd="/")
        assert result.ok, result.stderr
    assert not Path("/reference-runtime").exists()
    assert "XDG_RUNTIME_DIR" not in (tmp_path / "env").read_text()


def test_signals_are_as_a_program_expects_them(runtime, config, make_bundle, proc):
    def ignore() -> None:
        # The program of these tests handles all but the real-time signals.
        for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGRTMIN + 6):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR2})

    identifier = runtime.new_id()
    bundle = str(make_bundle(config))
    assert runtime("create", "-b", bundle, identifier, preexec_fn=ignore).ok
    status = (proc(identifier) / "status").read_text()
    assert "SigBlk:\t0000000000000000" in status
    assert "SigIgn:\t0000000000000000" in status

    assert runtime("start", identifier, preexec_fn=ignore).ok

    status = (proc(identifier) / "status").read_text()
    assert "SigBlk:\t0000000000000000" in status
    assert "SigIgn:\t0000000000000000" in status


def test_ps_takes_the_options_of_ps(runtime, running):
    if shutil.which("ps") is None:
        pytest.skip("needs ps(1)")
    pid = runtime.state(running)["pid"]

    header, row = runtime("ps", running, "-o", "args,pid").stdout.splitlines()
    assert header.split() == ["COMMAND", "PID"]
    assert row.split() == ["/program", "wait", str(pid)]
    assert runtime("ps", "--format", "table", running, "-ef").stdout.count("/program wait") == 1
    assert "no column PID" in runtime("ps", running, "-o", "args").stderr


def test_spec_writes_what_create_takes(runtime, make_bundle):
    bundle = make_bundle("{}")
    (bundle / "config.json").unlink()
    assert runtime("spec", "--bundle", str(bundle)).ok
    config = json.loads((bundle / "config.json").read_text())
    assert config["process"]["args"] == ["sh"]

    again = runtime("spec", cwd=bundle)
    assert again.status == 1
    assert "exists" in again.stderr
    assert json.loads((bundle / "config.json").read_text()) == config
    config["process"].update(terminal=False, args=["/program", "wait"])
    config["linux"]["cgroupsPath"] = f"/reference-runtime-tests-{os.getpid()}/spec"
    (bundle / "config.json").write_text(json.dumps(config))
    assert runtime("start", runtime.create(bundle)).ok


def test_spec_for_a_user(runtime, tmp_path):
    assert runtime("spec", "--rootless", cwd=tmp_path).ok
    config = json.loads((tmp_path / "config.json").read_text())

    kinds = {entry["type"] for entry in config["linux"]["namespaces"]}
    assert "user" in kinds
    assert "network" not in kinds
    assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]
    assert not any("gid=5" in mount.get("options", []) for mount in config["mounts"])


def test_a_program_that_has_vanished_leaves_the_container_created(runtime, config, make_bundle):
    bundle = make_bundle(config)
    identifier = runtime.create(bundle)
    before = runtime.state(identifier)
    (bundle / "rootfs/program").rename(bundle / "rootfs/elsewhere")

    result = runtime("start", identifier)

    assert "no such file or directory" in result.stderr
    assert runtime.state(identifier) == before
    (bundle / "rootfs/elsewhere").rename(bundle / "rootfs/program")
    assert runtime("start", identifier).ok
    assert runtime.state(identifier)["status"] == "running"


@pytest.fixture
def subreaper():
    """Be the parent of what the runtime leaves behind, and reap it late."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    pids: list[int] = []
    yield pids
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)
    for pid in pids:
        os.waitpid(pid, 0)


def test_delete_does_not_wait_for_who_reaps(runtime, running, tmp_path, subreaper):
    """The first process of a pid namespace is no zombie before all others in it are reaped."""
    pid_file = tmp_path / "pid"
    words = ("exec", "-d", "--pid-file", str(pid_file), running, "/program", "wait")
    assert runtime(*words).ok
    subreaper.append(int(pid_file.read_text()))
    pid = runtime.state(running)["pid"]

    assert runtime("delete", "--force", running).ok

    assert not runtime.knows(running)
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    assert state != "Z"


class TestExecOfACommand:
    """exec without --process: as in config.json, but for what the options say."""

    @pytest.fixture
    def running(self, runtime, config, make_bundle):
        config["process"].update(
            env=["PATH=/", "A=1", "B=2"],
            cwd="/proc",
            user={"uid": 7, "gid": 8, "additionalGids": [9]},
            rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
            capabilities={n: ["CAP_KILL"] for n in ("bounding", "permitted", "effective")},
        )
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok
        return identifier

    @pytest.fixture
    def execute(self, runtime, running, tmp_path):
        def call(*options: str, process: dict[str, object] | None = None) -> Path:
            pid_file = tmp_path / "exec.pid"
            words = ["exec", "--detach", "--pid-file", str(pid_file), *options]
            command = ["program", "wait", "-x", "--env"]
            if process is not None:
                (tmp_path / "process").write_text(
                    json.dumps({"args": command, "env": ["PATH=/"], **process})
                )
                words += ["--process", str(tmp_path / "process")]
            result = runtime(*words, running, *([] if process else command))
            assert result.ok, result.stderr
            return Path("/proc", pid_file.read_text())

        return call

    def status(self, program: Path) -> dict[str, list[str]]:
        lines = (line.partition(":") for line in (program / "status").read_text().splitlines())
        return {name: value.split() for name, _, value in lines}

    def test_is_as_the_configuration_says(self, execute):
        program = execute()

        assert (program / "cmdline").read_bytes() == b"program\0wait\0-x\0--env\0"
        assert (program / "environ").read_bytes() == b"PATH=/\0A=1\0B=2\0"
        assert os.readlink(program / "cwd").endswith("/proc")
        status = self.status(program)
        assert (status["Uid"][0], status["Gid"][0], status["Groups"]) == ("7", "8", ["9"])
        assert int(status["CapBnd"][0], 16) == 1 << 5
        assert " 100 " in (program / "limits").read_text()

    def test_does_what_the_options_say(self, execute):
        program = execute("--cwd=/", "-e", "A=5", "--env", "C=", "--user", "0:6", "-g", "10",
                          "--cap", "CAP_CHOWN", "--no-new-privs")  # fmt: skip

        assert (program / "environ").read_bytes() == b"PATH=/\0B=2\0A=5\0C=\0"
        assert not os.readlink(program / "cwd").endswith("/proc")
        status = self.status(program)
        assert (status["Uid"][0], status["Gid"][0]) == ("0", "6")
        assert status["Groups"] == ["9", "10"]
        assert int(status["CapBnd"][0], 16) == int(status["CapEff"][0], 16) == 1 << 5 | 1
        assert status["NoNewPrivs"] == ["1"]

    def test_a_file_without_capabilities_has_the_container_s(self, execute):
        program = execute(process={"cwd": "/", "user": {"uid": 0, "gid": 0}})

        status = self.status(program)
        assert int(status["CapBnd"][0], 16) == int(status["CapEff"][0], 16) == 1 << 5
        assert " 100 " in (program / "limits").read_text()
        assert status["Groups"] == []

    def test_a_file_with_capabilities_has_these(self, execute):
        none: dict[str, list[str]] = {"bounding": [], "permitted": [], "effective": []}

        program = execute(process={"cwd": "/", "user": {"uid": 0, "gid": 0}, "capabilities": none})

        assert int(self.status(program)["CapBnd"][0], 16) == 0

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (("ID",), "either --process FILE or a command"),
            (("--process", "x", "ID", "y"), "either --process FILE or a command"),
            (("--user", "root", "ID", "y"), "--user: 'root'"),
            (("--user", "1:2:3", "ID", "y"), "--user: '1:2:3'"),
            (("--env", "A", "ID", "y"), "process.env"),
            (("--cwd", "tmp", "ID", "y"), "process.cwd"),
            (("--additional-gids", "x", "ID", "y"), "--additional-gids"),
            (("--tty", "ID", "y"), "--console-socket"),
            (("--apparmor", "x", "ID", "y"), "process.apparmorProfile"),
            (("--process-label", "x", "ID", "y"), "process.selinuxLabel"),
        ],
    )
    def test_options_may_be_wrong(self, runtime, running, words, text):
        result = runtime("exec", *(running if word == "ID" else word for word in words))

        assert result.status == 255
        assert text in result.stderr
