"""The pytest plugin: it and controller.py alone know pytest's hooks.

Here are the hooks of every process that runs cases, each with a sandbox of its own; those of the
controller (the one process, or the one that distributes under xdist) are in controller.py. A
record crosses from one to the other as one string on the report of the case's last phase.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness import (
    clauses,
    controller,
    current,
    expectations,
    host,
    options,
    progress,
    repeats,
    results,
    showable,
    verdicts,
)
from harness.controller import Setup
from harness.faults import Deviation, UsageError
from harness.results import Verdict
from harness.session import Session

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytest_plugins = [
    "harness.fixtures",
    "harness.mount_fixtures",
    "harness.label_fixtures",
    "harness.features",
    "harness.lifecycle.fixtures",
]

NEEDS = {"foreign_cgroup": host.cgroups}
"""What a fixture needs of the host, so that the cases that use it need not say it."""

PROGRESS = pytest.StashKey[progress.Progress]()
SETUP = pytest.StashKey[Setup]()


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn bad input into pytest's usage error: one line, exit status 4."""
    try:
        yield
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Begin anew where a path after a blank may have been taken for the rootdir."""
    words = list(map(str, config.invocation_params.args))
    joined = options.joined(words)
    if joined == words or hasattr(config, "workerinput"):
        return None
    return int(pytest.main(joined))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; in a worker take over what the controller found out."""
    for level in clauses.LEVELS:
        config.addinivalue_line("markers", f"{level}: the clause's level is {level}")
    if options.about_cases(config):
        # Files of several folders have one name, and no pyproject.toml lies beside a wheel.
        config.option.importmode = "importlib"
    config.addinivalue_line("markers", "clause(*ids): the clauses that the case can show false")
    config.addinivalue_line("markers", "requires(*conditions): what the host has to be able to")
    if hasattr(config, "workerinput"):
        given = config.workerinput.get("conformance")
        if given is not None:
            config.stash[SETUP] = Setup.from_text(given)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Identify the runtime, once, in the controller."""
    config = session.config
    if hasattr(config, "workerinput") or not options.judging(config):
        return
    with usage_errors():
        made = controller.Controller(config)
    config.stash[SETUP] = made.setup
    config.pluginmanager.register(made, "conformance-controller")


# Collection


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: to look through it for garbage is a waste (0.2 s)."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Resolve the clauses of a case; their levels become markers, for ``-m must``."""
    marks = list(item.iter_markers("clause"))
    if not marks:
        if options.SUITES in item.path.parents:
            raise pytest.UsageError(f"{item.nodeid}: names no clause; add @clause")
        return
    callspec = getattr(item, "callspec", None)
    with usage_errors():
        named = clauses.resolve(
            [id_ for mark in marks for id_ in mark.args], callspec.params if callspec else {}
        )
    made = progress.Progress(progress.case_id(item.nodeid), named)
    item.stash[PROGRESS] = made
    item.add_marker(getattr(pytest.mark, made.level))
    item.user_properties.append(("clauses", [c.id for c in named]))
    item.user_properties.append(("section", named[0].anchor))


def _case(item: pytest.Item) -> bool:
    return PROGRESS in item.stash


# Running


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Enter the sandbox, in the process that runs cases and before anything operates."""
    config = session.config
    setup = config.stash.get(SETUP, None)
    distributes = config.pluginmanager.hasplugin("dsession")
    if setup is None or distributes or not any(map(_case, session.items)):
        return
    if hasattr(config, "workerinput") and os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # a runtime that ends our group does not end the controller
    entered = Session.enter(
        setup.runtime.path,
        setup.options.deadline,
        setup.runtime.oci_version,
        name=setup.runtime.name,
        probe=setup.probe,
        view=setup.options.cgroup_view,
    )
    current.enter(entered)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave the sandbox; tell the controller what stays on the host."""
    entered = current.leave()
    if entered is None:
        return
    leaks = entered.leave()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["conformance"] = leaks
    else:
        session.config.stash[controller.LEAKS] = tuple(leaks)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a case as often as --repeat says."""
    setup = item.config.stash.get(SETUP, None)
    if setup is None or not _case(item) or setup.options.repeat == 1:
        return None
    repeats.protocol(item, nextitem, setup.options.repeat)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the journal; decide before anything operates whether the case applies here."""
    if not _case(item):
        return
    made = item.stash[PROGRESS]
    made.begin(current.session().journal())
    setup = item.config.stash[SETUP]
    if reason := _not_applicable(made.clauses, setup):
        made.note(verdicts.Judgement(Verdict.NOT_APPLICABLE, reason))
        pytest.skip(reason)
    needed = [condition for mark in item.iter_markers("requires") for condition in mark.args]
    fixtures_need = [NEEDS[name] for name in getattr(item, "fixturenames", ()) if name in NEEDS]
    for condition in (*needed, *fixtures_need):
        if reason := condition():
            made.note(verdicts.Judgement(Verdict.SKIP, reason))
            pytest.skip(reason)


def _not_applicable(named: list[clauses.Clause], setup: Setup) -> str:
    for clause in named:
        if not clause.applies(setup.runtime.spec_version):
            until = f" to {clause.until}" if clause.until else ""
            return f"stands so from {clause.since}{until}; judged by {setup.runtime.spec_version}"
        if clause.profile not in setup.options.profiles:
            return f"of profile {clause.profile}"
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Clear what the case made, after its fixtures; after a module what its cases shared."""
    try:
        return (yield)
    finally:
        if _case(item):
            session = current.session()
            session.workspace.clear(item.stash[PROGRESS].journal)
            if nextitem is None or nextitem.path != item.path:
                session.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the phase; put the record on the report of the last one."""
    report = yield
    if not _case(item):
        return report
    made = item.stash[PROGRESS]
    setup = item.config.stash[SETUP]
    error = call.excinfo.value if call.excinfo else None
    if error is not None and call.when == "call":
        showable.limit(made.journal.replay, item, error)
    if error is not None and not isinstance(error, pytest.skip.Exception):
        made.narrow(error.clauses if isinstance(error, Deviation) else ())
        judged = verdicts.judge(error, call.when, made.clauses, made.level)
        judged = _expected(judged, made, setup.expectations)
        made.note(judged, str(report.longrepr or ""))
        _tell_pytest(report, judged, item)
    elif call.when == "call" and error is None:
        made.note(_wavering(made, setup.expectations))
    if call.when == "teardown":
        worker = getattr(item.config, "workerinput", {}).get("workerid", "")
        case = made.finish(worker)
        if worker:
            report.conformance = results.dumps(vars(case))  # type: ignore[attr-defined]
        else:
            report.case = case  # type: ignore[attr-defined]
    shown = made.judgement.verdict
    if call.when == "call" and shown is Verdict.PASS and made.level == "may":
        shown = Verdict.RECORDED if made.journal.recorded else shown
    report.verdict = shown.value  # type: ignore[attr-defined]
    return report


def _tell_pytest(report: pytest.TestReport, judged: verdicts.Judgement, item: pytest.Item) -> None:
    """Have pytest count as no failure what is none."""
    if judged.verdict in {Verdict.ADVICE, Verdict.KNOWN}:
        report.outcome = "skipped"
        report.wasxfail = judged.reason
    elif judged.verdict is Verdict.RECORDED and report.when == "call":
        report.outcome = "passed"
        report.longrepr = None
    elif judged.verdict in {Verdict.SKIP, Verdict.NOT_APPLICABLE, Verdict.RECORDED}:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: {judged.reason}")


def _wavering(made: progress.Progress, known: expectations.Expectations) -> verdicts.Judgement:
    """Judge a case that held: where the runtime does in some runs only, it is known all the same.

    So a race of the runtime's does not make two runs differ.
    """
    expected = known.unstable(made.case, (c.id for c in made.clauses))
    if expected is None:
        return verdicts.Judgement(Verdict.PASS)
    reason = f"{expected.reason} ({expected.upstream})\nseen: it held in this run"
    return verdicts.Judgement(Verdict.KNOWN, reason)


def _expected(
    judged: verdicts.Judgement, made: progress.Progress, known: expectations.Expectations
) -> verdicts.Judgement:
    groups = [[c.id] for c in made.about] or [[c.id for c in made.clauses]]
    found = [known.of(made.case, group, judged.verdict) for group in groups]
    expected = [one for one in found if one is not None]
    if len(expected) < len(groups):
        return judged
    why = "; ".join(dict.fromkeys(f"{one.reason} ({one.upstream})" for one in expected))
    reason = f"{why}\nseen: {judged.reason}"
    return verdicts.Judgement(Verdict.KNOWN, reason)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(
    report: object,
) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Escape lone surrogates, which execnet cannot send: runtimes print what they like."""
    data = yield
    return _printable(data) if isinstance(report, pytest.TestReport) else data


def _printable(value: Any) -> Any:  # noqa: ANN401 - the plain types of a report
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(k): _printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(v) for v in value]
    return value
