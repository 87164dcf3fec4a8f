"""The list of what never ran anywhere."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reports.audit import render

if TYPE_CHECKING:
    from tests.reports.conftest import Runs


def test_what_never_ran_stands_under_what_it_needs(runs: Runs) -> None:
    """The commonest need first; what does not apply is counted, and no gap."""
    run = runs.run(
        runs.case("a", lane="host"),
        runs.case("b", "fail", lane="v2"),
        runs.case("c", "skip", reason="no resctrl"),
        runs.case("d", "skip", reason="no RDMA device"),
        runs.case("e", "skip", reason="no resctrl\nmore"),
        runs.case("f", "not-applicable", reason="newer"),
    )

    assert render(run).split("\n") == [
        "runc 1.1.5, OCI runtime-spec 1.0.2 (core, linux)",
        "",
        "2 cases of 6 ran: 1 on host, 1 on v2",
        "1 case not applicable to this runtime, release or profile",
        "3 cases never ran",
        "",
        "no resctrl (2)",
        "  runtime/test_kill.py::test_c",
        "  runtime/test_kill.py::test_e",
        "",
        "no RDMA device (1)",
        "  runtime/test_kill.py::test_d",
        "",
    ]


def test_lanes_that_differ_are_listed(runs: Runs) -> None:
    """Only those that ran a case can differ about it."""
    run = runs.run(
        runs.case("a", "fail", lanes={"host": "pass", "v2": "fail", "v1": "skip"}),
        runs.case("b", "pass", lanes={"host": "skip", "v2": "pass"}),
    )

    text = render(run)

    assert "1 case with verdicts that differ between lanes" in text
    assert "test_a: pass on host, fail on v2, skip on v1" in text
    assert "test_b" not in text


def test_a_run_that_is_not_whole_says_so(runs: Runs) -> None:
    """What is not in it is in no list."""
    part = runs.run(runs.case("a"), header=runs.header(partial=True))

    assert "This run is of chosen cases" in render(part)
    assert "This run was cut off" in render(dataclasses.replace(part, end=None))
    assert "This run" not in render(runs.run(runs.case("a")))
