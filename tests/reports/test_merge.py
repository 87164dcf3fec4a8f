"""Shards and reruns as one run, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reports.__main__ as command
from harness import results
from harness.faults import ResultsError
from harness.results import Verdict
from reports.merge import merge, render

if TYPE_CHECKING:
    from harness.results import Run
    from tests.reports.conftest import Runs

GOLD = Path(__file__).parent / "gold"


def shards(runs: Runs) -> list[tuple[str, Run]]:
    """Give two shards with one case in both."""
    first = runs.run(runs.case("a", seconds=0.5), runs.case("b", "known", reason="upstream"))
    later = runs.header(started="2026-11-22T15:30:00Z", options={"args": ["-k", "b or c"]})
    later = dataclasses.replace(later, partial=True)
    twice = runs.case("b", "known", reason="upstream")
    second = runs.run(twice, runs.case("c", "skip"), header=later, problems=["p"])
    return [("one", first), ("two", second)]


def test_gold(runs: Runs) -> None:
    """One header, each case once, one end mark that counts them; both command lines are kept."""
    text = render(merge(shards(runs)))

    assert text == (GOLD / "merge.jsonl").read_text(encoding="utf-8")
    assert [case.verdict.value for case in results.parse(text, "x").cases] == [
        "pass", "known", "skip",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "end", "status"),
    [
        (["pass", "pass"], {}, 0),
        (["skip", "not-applicable"], {}, 5),
        (["skip", "pass"], {}, 0),
        (["pass", "fail"], {}, 1),
        (["pass", "unstable"], {}, 1),
        (["fail", "error"], {}, 3),
        (["pass", "pass"], {"problems": ["p"]}, 1),
        (["pass", "pass"], {"problems": ["p"], "leaks": ["l"]}, 3),
    ],
)
def test_the_exit_status_is_that_of_one_run(
    runs: Runs, verdicts: list[str], end: dict[str, Any], status: int
) -> None:
    """As if one run had had all the cases."""
    several = [runs.run(runs.case(f"c{n}", v), **end) for n, v in enumerate(verdicts)]

    run = merge([(str(n), run) for n, run in enumerate(several)])

    assert run.end is not None
    assert run.end.exit_status == status
    assert run.end.counts == {v: verdicts.count(v) for v in sorted(verdicts)}


def of_runtime(runs: Runs, **members: Any) -> results.Header:
    """Give a header whose runtime differs."""
    header = runs.header()
    return dataclasses.replace(header, runtime=dataclasses.replace(header.runtime, **members))


def of_host(runs: Runs, **members: Any) -> results.Header:
    """Give a header whose host differs."""
    header = runs.header()
    return dataclasses.replace(header, host=dataclasses.replace(header.host, **members))


@pytest.mark.parametrize(
    ("kind", "members", "said"),
    [
        ("runtime", {"sha256": "00" * 32}, "runtime sha256 is 0000"),
        ("runtime", {"spec_version": "1.2.1"}, "spec version is 1.2.1, and in one it is 1.0.2"),
        ("runtime", {"oci_version": "1.2.1"}, "ociVersion of the bundles is 1.2.1"),
        ("host", {"kernel": "6.1\x1b[2J"}, "kernel is 6.1␛[2J"),
        ("host", {"cgroup": "v2"}, "cgroups is v2"),
        ("host", {"rootless": True}, "rootless is True"),
        ("host", {"machine": "aarch64"}, "machine is aarch64, and in one it is x86_64"),
        ("host", {"lsms": ["selinux"]}, "LSMs is selinux, and in one it is capability, yama"),
        ("host", {"capabilities": "0"}, "capabilities is 0, and in one it is 000001ff"),
        ("run", {"suite_version": "0.2.0"}, "suite version is 0.2.0"),
        ("run", {"profiles": ["core"]}, "profiles is core, and in one it is core, linux"),
        ("run", {"expectations": ""}, "expectations is none"),
    ],
)
def test_what_another_header_contradicts_is_refused(
    runs: Runs, kind: str, members: dict[str, Any], said: str
) -> None:
    """One header speaks for all cases, so what decides verdicts is the same in all."""
    make = {"runtime": of_runtime, "host": of_host}.get(kind)
    header = make(runs, **members) if make else runs.header(**members)

    with pytest.raises(ResultsError, match=r"^two: ") as caught:
        merge([("one", runs.run(runs.case("a"))), ("two", runs.run(header=header))])

    assert said in str(caught.value)


def test_what_does_not_decide_a_verdict_may_differ(runs: Runs) -> None:
    """The path of the same program, processors, Python: shards of several machines."""
    header = of_runtime(runs, path="/elsewhere/runc")
    header = dataclasses.replace(header, host=dataclasses.replace(header.host, cpus=2, python="3"))

    run = merge([("1", runs.run(runs.case("a"))), ("2", runs.run(runs.case("b"), header=header))])

    assert len(run.cases) == 2


def test_other_verdicts_of_one_case_are_refused(runs: Runs) -> None:
    """A rerun that came to something else is no rerun but a contradiction."""
    with pytest.raises(ResultsError, match=r"^2: .*test_a is fail, and in 1 it is pass$"):
        merge([("1", runs.run(runs.case("a"))), ("2", runs.run(runs.case("a", "fail")))])


def test_runs_that_are_not_whole_are_refused(runs: Runs) -> None:
    """Cut off, interrupted, or with a case that has no result."""
    good = ("good", runs.run(runs.case("b")))
    case = runs.case("a")
    bad = {
        "was cut off after 1 case": runs.cut_off(case),
        "was interrupted after 1 case": runs.run(case, interrupted=True),
        "2 collected cases without a result": runs.run(case, collected=3),
    }
    for said, run in bad.items():
        for order in ([good, ("bad", run)], [("bad", run), good]):
            with pytest.raises(ResultsError, match=f"^bad: {said}"):
                merge(order)


def test_parts_are_whole_only_where_that_is_known(runs: Runs) -> None:
    """Chosen cases stay a partial run, unless the number of all is given and reached."""
    header = runs.header(partial=True)
    parts = [(name, runs.run(runs.case(name), header=header)) for name in "ab"]

    assert merge(parts).header.partial
    whole = merge(parts, 2).header
    assert not whole.partial
    assert whole.options["collected"] == 2
    lacking = merge(parts, 5)
    assert lacking.end is not None
    assert (lacking.end.collected, lacking.end.recorded, lacking.end.exit_status) == (5, 2, 3)
    with pytest.raises(ResultsError, match="hold 2 cases, more than the 1 collected"):
        merge(parts, 1)


def test_merging_what_was_merged_keeps_every_command(runs: Runs) -> None:
    """The options of each run that was made are in a flat list."""
    one, two = shards(runs)
    third = ("three", runs.run(runs.case("d")))

    run = merge([("12", merge([one, two])), third])

    merged = run.header.options["merged"]
    assert merged == [{"deadline": 5}, {"args": ["-k", "b or c"]}, {"deadline": 5}]


def test_on_the_command_line(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """-o takes a file or a directory; a refusal writes nothing; one run is none too many."""
    files = [runs.save(run, tmp_path / name) for name, run in shards(runs)]
    both = [str(file) for file in files]
    (tmp_path / "all").mkdir()

    assert command.main(["merge", *both, "-o", str(tmp_path / "all")]) == 0
    assert command.main(["merge", *both, "-o", str(tmp_path / "file")]) == 0

    merged = results.read(tmp_path / "all")
    assert merged.counts == {Verdict.PASS: 1, Verdict.KNOWN: 1, Verdict.SKIP: 1}
    assert (tmp_path / "file").read_bytes() == (tmp_path / "all/results.jsonl").read_bytes()
    assert command.main(["merge", both[0], both[0], "-o", str(tmp_path / "no")]) == 4
    assert command.main(["merge", both[0], "-o", str(tmp_path / "no")]) == 4
    assert command.main(["merge", *both, "--collected", "1", "-o", str(tmp_path / "no")]) == 4
    assert capsys.readouterr().err.count("\n") == 3
    assert not (tmp_path / "no").exists()
    assert command.main(["merge", *both, "-o", both[0]]) == 4
    assert len(results.read(files[0]).cases) == 2


def lanes(runs: Runs, **verdicts: str) -> list[tuple[str, Run]]:
    """Give runs of one case, a lane each; ``host`` is the run without one."""
    named = []
    for lane, verdict in verdicts.items():
        header = of_host(runs, kernel=f"of {lane}", cgroup=lane, lsms=[lane])
        header = dataclasses.replace(header, lane="" if lane == "host" else lane)
        case = runs.case("a", verdict, reason=f"of {lane}")
        named.append((lane, runs.run(case, header=header)))
    return named


@pytest.mark.parametrize(
    ("verdicts", "lane", "verdict"),
    [
        ({"host": "skip", "v2": "pass"}, "v2", "pass"),
        ({"host": "skip", "v2": "skip", "v1": "fail"}, "v1", "fail"),
        ({"host": "pass", "v2": "skip"}, "host", "pass"),
        ({"host": "skip", "v2": "not-applicable"}, "v2", "not-applicable"),
        ({"host": "skip", "v2": "skip"}, "host", "skip"),
        ({"host": "pass", "v2": "pass"}, "host", "pass"),
        ({"host": "pass", "v2": "fail", "v1": "fail"}, "v2", "fail"),
        ({"host": "fail", "v2": "error"}, "v2", "error"),
    ],
)
def test_a_case_has_the_verdict_of_the_lane_that_ran_it(
    runs: Runs, verdicts: dict[str, str], lane: str, verdict: str
) -> None:
    """A skip gives way to any verdict; of several the worst counts, the first of equals."""
    (case,) = merge(lanes(runs, **verdicts)).cases

    assert (case.lane, case.verdict.value) == (lane, verdict)
    assert case.lanes == verdicts


def test_lanes_that_differ_are_said_to(runs: Runs) -> None:
    """The reason names what each lane that ran it came to, before the worst one's own."""
    (case,) = merge(lanes(runs, host="pass", v1="skip", v2="fail")).cases

    assert case.reason == "lanes differ: pass on host, fail on v2\nof v2"


def test_lanes_that_agree_say_no_more(runs: Runs) -> None:
    """The reason is that of the lane."""
    (case,) = merge(lanes(runs, host="skip", v2="known", v1="known")).cases

    assert case.reason == "of v2"


def test_lanes_that_did_not_run_it_do_not_differ(runs: Runs) -> None:
    """What lacked and what does not apply are no verdicts on the runtime."""
    (case,) = merge(lanes(runs, host="skip", v2="not-applicable")).cases

    assert case.reason == "of v2"


def test_merged_lanes_are_merged_again(runs: Runs) -> None:
    """As if all had been merged at once; the header has the host's facts and all lanes."""
    host, v2, v1 = lanes(runs, v2="fail", host="pass", v1="skip")

    again = merge([("both", merge([host, v2])), v1])
    once = merge([host, v2, v1])

    assert again.cases == once.cases
    assert once.header.lane == "v2, host, v1"
    assert once.header.host.kernel == "of host"


def test_runs_of_one_lane_are_of_one_host(runs: Runs) -> None:
    """Lanes may differ in their kernel, parts of one may not."""
    (_, one), (_, other) = lanes(runs, v2="pass", v1="pass")
    other = dataclasses.replace(other, header=dataclasses.replace(other.header, lane="v2"))

    with pytest.raises(ResultsError, match=r"^two: kernel is of v1, and in one it is of v2"):
        merge([("one", one), ("two", other)])
