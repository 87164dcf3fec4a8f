"""Lanes without a virtual machine: command line, choice of cases, archive, how a guest ends."""

from __future__ import annotations

import dataclasses
import itertools
import platform
import shlex
import shutil
import sys
from unittest.mock import Mock

import pytest

from harness import clauses, door, results
from harness.faults import HarnessError, UsageError
from harness.lanes import LANES, boot, choosing, guest, kernel, machine
from harness.lanes import __main__ as lanes
from harness.results import Verdict
from tests.test_results import CASE, END, HEADER


def written(path, *cases, end=END):
    with path.open("w", encoding="utf-8") as stream:
        writer = results.Writer(stream)
        for line in (HEADER, *cases, *([end] if end else [])):
            writer.write(line)
    return path


def a_case(**members):
    return dataclasses.replace(CASE, **members)


# The command line


def said(capsys, *argv):
    """Give the exit status and the one line of a usage error."""
    status = lanes.main(argv)
    (line,) = capsys.readouterr().err.splitlines()
    return status, line


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "required: LANE"),
        (["v3"], "invalid choice: 'v3' (choose from 'v2', 'v1', 'hybrid'"),
        (["v2", "--deadline=soon"], "invalid float value: 'soon'"),
        (["v2", "-k", "kill"], "unrecognized arguments: -k kill"),
        (["v2", "--runtime=no-such-runtime"], "--runtime no-such-runtime: no such program"),
    ],
)
def test_bad_input_is_one_line_and_status_4(capsys, monkeypatch, argv, words):
    monkeypatch.setattr(lanes, "check", lambda: None)

    status, line = said(capsys, *argv)

    assert status == 4
    assert line.startswith("lanes: ")
    assert words in line


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({"busybox", "mkfs.ext4"}, "needs qemu-system-x86_64: apt-get install --no-install-"),
        ({"qemu-system-x86_64", "mkfs.ext4"}, "needs busybox: "),
        (set(), "recommends qemu-system-x86 busybox-static e2fsprogs"),
    ],
)
def test_a_missing_program_is_named_with_its_package(capsys, monkeypatch, there, words):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)

    status, line = said(capsys, "v2")

    assert status == 4
    assert words in line


def test_another_processor_is_said_to_have_no_lanes(capsys, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    assert said(capsys, "v2") == (4, "lanes: lanes are made for x86_64; this is riscv64")


def test_a_kernel_that_cannot_be_had_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(UsageError, match="no apt-get here to fetch the kernel: unpack linux-image"):
        kernel.find("linux-image-6.12-amd64")


def test_a_kernel_that_apt_does_not_find_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = door.Said(100, "", "E: Unable to locate package no-such\nE: more\n")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(door, "tool", lambda *_: said)

    with pytest.raises(UsageError, match=r"no-such cannot be downloaded \(E: Unable to locate"):
        kernel.find("no-such")

    assert list((tmp_path / "oci-conformance" / "lanes").iterdir()) == []


def test_what_follows_two_hyphens_is_pytests():
    chosen = lanes.arguments(["v2", "--quiet=7", "--", "-k", "a or b", "--", "-x"])

    assert (chosen.lane, chosen.quiet, chosen.runtime) == ("v2", 7.0, "")
    assert lanes.pytest_line(chosen)[-4:] == ["-k", "a or b", "--", "-x"]


def test_pytest_is_told_lane_runtime_and_cases(tmp_path):
    argv = ["v1", f"--runtime={sys.executable}", f"--only-skipped-in={tmp_path}"]

    line = lanes.pytest_line(lanes.arguments(argv))

    assert line[:3] == [sys.executable, "-m", "pytest"]
    assert {"--lane=v1", "--results=/lane/results", "@/lane/cases"} <= set(line)
    assert any(word.startswith("--runtime=/") for word in line)


def test_each_lane_says_what_it_is_for():
    assert {"v2", "v1", "hybrid", "apparmor", "selinux", "kernel-6.1", "kernel-6.12"} < set(LANES)
    assert all(lane.about and lane.cgroup in {"v1", "v2", "hybrid"} for lane in LANES.values())
    # Debian's 6.12 lacks the v1 controllers memory and cpuset.
    assert {lane.kernel for lane in LANES.values() if lane.cgroup != "v2"} == {"linux-image-amd64"}


# The choice of cases


def test_the_skipped_cases_are_chosen_and_no_others(tmp_path):
    kinds = {"a": Verdict.SKIP, "b": Verdict.PASS, "c": Verdict.NOT_APPLICABLE, "d": Verdict.SKIP}
    cases = [a_case(case=f"config/test_x.py::{n}[p q]", verdict=v) for n, v in kinds.items()]

    chosen = choosing.skipped([written(tmp_path / "results.jsonl", *cases)])

    assert chosen == ["config/test_x.py::a[p q]", "config/test_x.py::d[p q]"]
    assert choosing.arguments(chosen).splitlines()[0] == "suites/config/test_x.py::a[p q]"


@pytest.mark.parametrize(
    ("verdict", "end", "words"),
    [(Verdict.PASS, END, "skipped no case"), (Verdict.SKIP, None, "was cut off")],
)
def test_a_run_that_says_nothing_of_skips_is_refused(tmp_path, verdict, end, words):
    file = written(tmp_path / "results.jsonl", a_case(verdict=verdict), end=end)

    with pytest.raises(UsageError, match=words):
        choosing.skipped([file])


def test_what_another_run_has_run_is_left_out(tmp_path):
    of_host = {"a": Verdict.SKIP, "b": Verdict.SKIP, "c": Verdict.SKIP, "d": Verdict.PASS}
    of_lane = {"a": Verdict.SKIP, "b": Verdict.FAIL, "c": Verdict.NOT_APPLICABLE}
    runs = [
        written(tmp_path / f"{n}.jsonl", *(a_case(case=c, verdict=v) for c, v in kinds.items()))
        for n, kinds in enumerate([of_host, of_lane])
    ]

    assert choosing.skipped(runs) == ["a", "c"]


def test_cases_that_the_suite_has_no_more_are_left_out():
    here = "config_linux/test_unified.py::test_enables_the_controllers_that_it_needs"

    assert choosing.known([here, "config/test_no_more.py::test_a"]) == [here]


def test_a_run_of_another_suite_is_refused():
    with pytest.raises(UsageError, match="this suite has none of the cases"):
        choosing.known(["config/test_no_more.py::test_a"])


# What the guest boots


def test_the_archive_is_what_cpio_reads(tmp_path):
    data = guest.archive(b"#!busybox", {"b": b"module b", "a": b"module a"})

    listed = door.output(["busybox", "cpio", "-t", "-F", str(_file(tmp_path, data))])

    assert {"init", "bin/busybox", "modules/order", "modules/a.ko"} <= set(listed.split())
    assert b"\0b\na\0" in data  # the order in which they are loaded


def _file(directory, data):
    file = directory / "archive"
    file.write_bytes(data)
    return file


def test_modules_are_loaded_after_those_they_need(tmp_path):
    needs = {"rxe": "udp,core", "udp": "", "core": "net-core", "net_core": "", "other": ""}
    modules = {}
    for name, needed in needs.items():
        modules[name] = tmp_path / f"{name}.ko"
        modules[name].write_bytes(b"\x7fELF\0license=GPL\0depends=" + needed.encode() + b"\0x\0")

    order = list(kernel.load_order(modules, ["rxe", "built-in", "udp"]))

    assert order == ["udp", "net_core", "core", "rxe"]


def test_the_script_runs_the_command_with_its_words_and_environment():
    command = guest.Command(["echo", "a b", "$x"], "/some where", {"PATH": "/a:/b"}, "v2")

    script = guest.second(command)

    assert script.startswith("export PATH=/a:/b\nexport CGROUP=v2\nexport DIRECTORY='/some where'")
    assert f"set -- {shlex.join(command.argv)}\n" in script
    assert f">{guest.OUT}/stdout" in script


def test_the_hosts_files_are_read_only_for_the_machine(tmp_path):
    line = machine.command_line(tmp_path / "vmlinuz", tmp_path, "security=selinux", "family=23")

    host, out = (word for word in line if word.startswith("local,"))
    assert host.startswith("local,path=/,mount_tag=host,")
    assert host.endswith(",readonly=on")
    assert f"path={tmp_path}/out," in out
    assert "max,la57=off,family=23" in line
    assert line[line.index("-append") + 1].endswith("mitigations=off security=selinux")


# How a guest ends; the machine is a shell here


@pytest.fixture
def ran(tmp_path):
    """Run a script in place of qemu; ``$1`` is the directory out."""

    def run(script, deadline=20.0, quiet=20.0):
        argv = ["/bin/sh", "-c", script, "-", str(tmp_path)]
        return machine.run(argv, tmp_path, deadline=deadline, quiet=quiet)

    return run


def test_the_status_is_that_of_the_command(ran):
    ended = ran("echo 5 > $1/status")

    assert (ended.status, ended.why) == (5, "")


def test_a_guest_that_panics_has_no_status(ran, tmp_path):
    ended = ran("echo 'Kernel panic - not syncing' > $1/console")

    assert (ended.status, ended.why) == (None, "the guest ended before its command did")
    assert "Kernel panic" in machine.console(tmp_path)


def test_a_guest_that_says_nothing_more_is_ended(ran):
    ended = ran("echo booting > $1/console; exec tail -f /dev/null", quiet=0.3)

    assert (ended.status, ended.why) == (None, "the guest showed no sign of life for 0.3 s")
    assert ended.seconds < 15


def test_a_guest_that_never_comes_to_an_end_is_ended(ran):
    ended = ran("while :; do echo x >> $1/console; done", deadline=0.5, quiet=0.3)

    assert (ended.status, ended.why) == (None, "the guest had not ended after 0.5 s")


def test_signs_of_life_keep_a_guest_going(ran):
    script = "for i in 1 2 3 4 5; do echo x >> $1/console; timeout 0.3 tail -f /dev/null; done"

    ended = ran(f"{script}; echo 0 > $1/status", quiet=1.0)

    assert ended.status == 0


def test_what_is_cut_off_has_the_end_of_its_console(tmp_path, capsys):
    out = tmp_path / "out"
    (out / "results" / "partial").mkdir(parents=True)
    (out / "results" / "partial" / "results.jsonl").write_text("{}\n")
    (out / "console").write_text("boot\r\nBUG: it hangs\r\n")
    chosen = lanes.arguments(["v2", f"--results={tmp_path / 'to'}"])

    status = lanes.report(chosen, out, machine.Ended(None, "the guest showed no sign", 7))

    err = capsys.readouterr().err
    assert status == 3
    assert "the guest showed no sign; the end of its console:\nboot\nBUG: it hangs" in err
    assert (tmp_path / "to" / "partial" / "results.jsonl").read_text() == "{}\n"
    assert (tmp_path / "to" / "console").exists()


def test_the_tail_begins_with_the_panic():
    rows = [f"row {n}" for n in range(60)]

    assert machine.tail("\n".join(rows), 3) == "row 57\nrow 58\nrow 59"
    panic = "\r\n".join([*rows, "[ 1.2] Kernel panic - not syncing", "Call Trace:", *rows])
    assert machine.tail(panic, 2) == "[ 1.2] Kernel panic - not syncing\nCall Trace:"


def test_the_console_is_shown_without_its_control_characters():
    assert machine.tail("a\x1b[2Jb\n" + "x" * 999) == "a\\x1b[2Jb\n" + "x" * 200


def test_no_two_lanes_boot_the_same():
    made = {name: (v.kernel, v.cgroup, v.parameters, v.processor) for name, v in LANES.items()}

    assert not [(a, b) for a, b in itertools.combinations(made, 2) if made[a] == made[b]]


def test_what_a_killed_lane_left_is_removed_and_nothing_in_use(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    left = tmp_path / "oci-conformance" / "lanes" / ".guest-left"
    left.mkdir(parents=True)

    with boot.place() as first, boot.place() as second:
        assert (left.exists(), first.is_dir(), second.is_dir()) == (False, True, True)

    assert list(left.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 2, "lanes: interrupted; the guest was ended, its results are lost"),
        (HarnessError("mkfs.ext4: no space"), 3, "lanes: mkfs.ext4: no space"),
    ],
    ids=["interrupt", "error"],
)
def test_whatever_ends_it_is_one_line(monkeypatch, capsys, error, status, line):
    monkeypatch.setattr(lanes, "check", Mock(side_effect=error))

    assert said(capsys, "v2") == (status, line)


def test_the_results_have_the_lane_in_their_header(suite):
    cases = """
    @clause("runtime.state.required")
    def test_a(create):
        assert create("waits")
    """
    text = cases.replace("runtime.state.required", next(iter(clauses.catalogue())))

    run = suite(text, "--lane", "v2", "-n0").run

    assert (run.header.lane, [case.lane for case in run.cases]) == ("v2", [""])
