"""The log: --log and --log-format json."""

import json
import re

import pytest

from harness import clause, control, generates_an_error

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
EARLIER = {"level": "warning", "msg": "earlier", "time": "2026-01-01T00:00:00Z"}


@pytest.fixture
def fails(engine, create, bundle):
    """Fail to create a container: its program is not there."""

    def fail():
        with control():
            create("args").start().printed("ready")
        with generates_an_error():
            engine.create(bundle("args", args=["/nosuch"]))

    return fail


@clause("engine.log.one-object")
def test_writes_one_object_when_it_fails(engine, fails):
    engine.logs()

    fails()

    assert [bool(entry.get("msg")) for entry in engine.entries] == [True]


@clause("engine.log.exec-one-object")
def test_writes_one_object_when_exec_fails(engine, waiting):
    with control():
        engine.exec(waiting, "say=ready").printed("ready")

    with generates_an_error():
        engine.logs().exec(waiting, args=["/nosuch"])

    assert [bool(entry.get("msg")) for entry in engine.entries] == [True]


@clause("engine.log.level")
def test_has_the_level_of_an_error(engine, fails):
    engine.logs()

    fails()

    assert [entry.get("level") for entry in engine.entries][-1:] == ["error"]


@clause("engine.log.time")
def test_has_a_time(engine, fails):
    engine.logs()

    fails()

    times = [str(entry.get("time")) for entry in engine.entries]
    assert times
    assert all(map(RFC_3339.fullmatch, times)), times


@clause("engine.log.silent-success")
def test_writes_nothing_when_it_succeeds(engine, create):
    engine.logs()

    container = create("waits").start().printed("ready")
    container.kill(9).stopped().delete()

    assert engine.entries == []


@clause("engine.log.appended")
def test_leaves_what_is_in_the_log(engine, fails):
    engine.logs().log.write_text(json.dumps(EARLIER) + "\n")

    fails()

    assert (engine.entries[0], len(engine.entries) > 1) == (EARLIER, True)


@clause("engine.log.form")
def test_takes_the_format_as_one_word(engine, fails, runtime):
    engine.logs()
    runtime.options = [*runtime.options[:-2], "--log-format=json"]
    engine.create("waits").start().printed("ready")

    fails()

    assert [bool(entry.get("msg")) for entry in engine.entries][-1:] == [True]


@clause("engine.log.stderr-too")
def test_says_why_on_standard_error_too(engine, fails):
    engine.logs()

    fails()

    assert re.search("nosuch|no such file", engine.last.stderr)


@clause("engine.log.stderr-alone")
def test_says_why_on_standard_error(engine, fails):
    fails()

    assert re.search("nosuch|no such file", engine.last.stderr)
