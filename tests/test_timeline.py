"""The timeline of a case: operations, states and hooks, in the order in which they were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.results import Case

LIFECYCLE = """
    @clause("runtime.start.runs-program")
    def test_case(create):
        kinds = ["createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
        container = create("exits", hooks={kind: [Hook("1"), Hook("2")] for kind in kinds})
        container.state()
        container.start().stopped()
        assert container.bundle.logged("poststart 2")
        container.delete()
"""

IN_BACKGROUND = """
    @clause("runtime.start.runs-program")
    def test_case(bundle, calling, in_background):
        made = bundle("exits", hooks={"poststart": [Hook(words=("wait={root}/gate",))]})
        gate = made.gate()
        call = in_background(calling("poststart", made))
        made.awaits("poststart 1")
        gate.open()
        call.finish()
"""


def seen(case: Case, *kinds: str) -> list[str]:
    return [one.text for one in case.timeline if one.kind in kinds]


def test_hooks_stand_behind_the_operation_that_has_run_them(suite):
    (case,) = suite(LIFECYCLE).run.cases

    found = seen(case, "operation", "hook")
    assert found[: found.index("start")] == [
        "create", "createRuntime 1", "createRuntime 2", "createContainer 1", "createContainer 2",
        "state",
    ]  # fmt: skip
    later = found[found.index("start") :]
    assert [text for text in later if " " in text] == [
        "startContainer 1", "startContainer 2", "poststart 1", "poststart 2",
        "poststop 1", "poststop 2",
    ]  # fmt: skip
    assert later.index("delete") == later.index("poststop 1") - 1
    assert seen(case, "status")[0] == "created"
    times = [one.at for one in case.timeline]
    assert times == sorted(times)
    create = case.operations[0]
    (first,) = (one for one in case.timeline if one.text == "createRuntime 1")
    assert first.at >= create.at + create.seconds


def test_a_hook_that_the_case_waits_for_stands_within_its_operation(suite):
    (case,) = suite(IN_BACKGROUND).run.cases

    (hook,) = (one for one in case.timeline if one.kind == "hook")
    (start,) = (one for one in case.operations if one.name == "start")
    assert hook.text == "poststart 1"
    assert start.at < hook.at < start.at + start.seconds


@pytest.mark.parametrize("made", ["os.remove(log)", "os.remove(log); os.mkfifo(log)"])
def test_a_log_that_a_runtime_has_replaced_is_not_looked_at(suite, made):
    """A fifo would keep the reader for ever."""
    outcome = suite(f"""
        @clause("runtime.start.runs-program")
        def test_case(create, bundle):
            made = bundle("exits", hooks={{"poststop": [Hook()]}})
            log = made.log
            container = create(made)
            {made}
            container.state()
    """)

    assert outcome.verdicts == {"test_case": "pass"}, outcome.output
