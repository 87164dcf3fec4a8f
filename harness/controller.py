"""The controller's hooks: what the runtime is, results.jsonl, the summary, the exit status."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness import (
    configuration,
    door,
    expectations,
    host,
    identify,
    options,
    progress,
    recorder,
    results,
    rootless,
)
from harness.faults import UsageError
from harness.probe.build import build
from harness.results import Verdict
from harness.toml_lines import Lines

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

LEAKS = pytest.StashKey[tuple[str, ...]]()

WORDS = {
    Verdict.FAIL: ("failed", "F", "FAILED"),
    Verdict.BLOCKED: ("blocked", "B", "BLOCKED"),
    Verdict.UNSTABLE: ("failed", "U", "UNSTABLE"),
    Verdict.ERROR: ("error", "E", "ERROR"),
    Verdict.ADVICE: ("advice", "a", "ADVICE"),
    Verdict.KNOWN: ("known", "k", "KNOWN"),
    Verdict.RECORDED: ("recorded", "r", "RECORDED"),
    Verdict.SKIP: ("skipped", "s", "SKIPPED"),
    Verdict.NOT_APPLICABLE: ("not-applicable", "-", "NOT-APPLICABLE"),
}
"""How pytest's terminal shows a verdict: category, letter, word."""


@dataclass(frozen=True)
class Setup:
    """What the controller found out once and every process that runs cases needs."""

    runtime: results.Runtime
    options: options.Options
    probe: str
    expectations: expectations.Expectations

    @classmethod
    def find_out(cls, config: pytest.Config) -> Setup:
        """Ask host and runtime; UsageError for what the user has to put right."""
        chosen = options.read(config)
        if chosen.rootless:
            rootless.enter(_base(config, chosen))
        host.check()
        configuration.check()
        path = identify.program(chosen.runtime) if chosen.runtime else _bundled()
        found = identify.identify(path, chosen.deadline, chosen.spec_version)
        probe = Path(chosen.probe).absolute() if chosen.probe else build()
        known = expectations.NONE
        file = _expected(chosen, found)
        if file is not None and not (chosen.update and not file.exists()):
            rootless_, seen = host.in_user_namespace(), _cgroups(chosen)
            known = expectations.load(file, found.spec_version, rootless=rootless_, cgroup=seen)
        return cls(found, chosen, str(probe), known)

    def to_text(self) -> str:
        """Write it for a worker: one string of plain JSON."""
        return results.dumps(vars(self))

    @classmethod
    def from_text(cls, text: str) -> Setup:
        """Read what ``to_text`` wrote."""
        given = json.loads(text)
        found, chosen = given["expectations"], given["options"]
        known = tuple(
            # Only the controller speaks of lines.
            expectations.Expectation(**{**e, "cases": tuple(e["cases"]), "lines": Lines()})
            for e in found["known"]
        )
        return cls(
            runtime=results.Runtime(**given["runtime"]),
            options=options.Options(**{**chosen, "profiles": tuple(chosen["profiles"])}),
            probe=given["probe"],
            expectations=expectations.Expectations(found["name"], known),
        )


def _cgroups(chosen: options.Options) -> str:
    """Which cgroups the runtime sees: v1, v2 or hybrid."""
    return chosen.cgroup_view or host.layout()


def _base(config: pytest.Config, chosen: options.Options) -> Path:
    """Where results go: a directory for each runtime is below it, unless it was given."""
    if chosen.results:
        return Path(chosen.results)
    base = config.rootpath / "build" / "results"
    # What an ordinary user runs belongs to one, and says something else than what root runs.
    return base / "rootless" if chosen.rootless else base


def _expected(chosen: options.Options, runtime: results.Runtime) -> Path | None:
    """Return the expectation file; UsageError where none is there that could be updated."""
    if chosen.expectations == "none":
        return None
    file = Path(chosen.expectations) if chosen.expectations else expectations.find(runtime)
    if file is None and chosen.update:
        message = (
            f"--update-expectations: no file is for {runtime.name} {runtime.version}; name one"
        )
        raise UsageError(f"{message} by --expectations=FILE")
    return file


def _bundled() -> str:
    launcher = options.bundled_runtime()
    if not launcher.exists():
        door.output([sys.executable, "-m", "reference_runtime.install", str(launcher)])
    return str(launcher)


class Controller:
    """Hooks of the process that keeps the results. Raises UsageError for bad input."""

    def __init__(self, config: pytest.Config) -> None:
        self.setup = Setup.find_out(config)
        self.worker_died = False
        self.session: pytest.Session | None = None
        runtime = self.setup.runtime
        name = f"{runtime.name}-{runtime.version}".replace("/", "_")
        directory = _base(config, self.setup.options)
        directory = directory if self.setup.options.results else directory / name
        partial = options.partial(config)
        header = results.Header(
            format=results.FORMAT,
            suite_version=harness.__version__,
            started=recorder.started(),
            runtime=runtime,
            host=host.describe(self.setup.options.cgroup_view),
            profiles=list(self.setup.options.profiles),
            options={"args": [str(a) for a in config.invocation_params.args]},
            partial=partial,
            expectations=self.setup.expectations.name,
            lane=self.setup.options.lane,
        )
        # A part of the suite never takes the place of a whole run.
        directory = directory / "partial" if partial else directory
        self.recorder = recorder.Recorder(
            directory, header, self.setup.expectations, self.setup.options.gate
        )
        self.recorder.prepare()

    def pytest_report_header(self) -> str:
        """Say what is judged, by which release, and where that came from."""
        runtime = self.setup.runtime
        known = self.setup.expectations.name
        return (
            f"runtime: {runtime.name} {runtime.version} ({runtime.path}), judged by "
            f"{runtime.spec_version} (from {runtime.spec_version_from})"
            f"{f', expectations {known}' if known else ''}{rootless.described()}"
            f"{f', lane {self.setup.options.lane}' if self.setup.options.lane else ''}"
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        """Hand what was found out to an xdist worker."""
        node.workerinput["conformance"] = self.setup.to_text()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what is to have a result, where this process collects for itself."""
        marked = (item for item in session.items if item.get_closest_marker("clause"))
        self.recorder.collected |= {progress.case_id(item.nodeid) for item in marked}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(
        self,
        node: Any,  # noqa: ANN401 - xdist has no types
        ids: list[str],
    ) -> None:
        """Count what is to have a result, where workers collect."""
        del node
        self.recorder.collected |= {progress.case_id(id_) for id_ in ids if "suites/" in id_}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the record of a case that has ended."""
        case = getattr(report, "case", None)
        text = getattr(report, "conformance", "")
        if case is not None:
            self.recorder.record(case)
        elif text:
            self.recorder.record(results.case_from(text), text)
        elif report.when not in {"setup", "call", "teardown"}:
            reason = f"the process that ran it died: {report.longrepr}"
            self.recorder.record(progress.lost(progress.case_id(report.nodeid), reason))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Show verdicts by their names."""
        verdict = getattr(report, "verdict", None)
        if verdict is None:
            return None
        decided = report.when == "call" or not report.passed
        if decided and Verdict(verdict) in WORDS:
            return WORDS[Verdict(verdict)]
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ANN401 - as above
        """Take over what a worker could not clear; one that has died has cleared nothing."""
        self.worker_died |= bool(error)
        self.recorder.leaks += getattr(node, "workeroutput", {}).get("conformance", [])

    # After the plugin's own hook, which leaves the sandbox of this process.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close results.jsonl and set the truthful exit status."""
        self.session = session
        if self.worker_died:
            door.output([sys.executable, "-m", "harness.sandbox"])
        leaks = session.config.stash.get(LEAKS, None)
        self.recorder.leaks.extend(leaks or ())
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        if exitstatus == pytest.ExitCode.USAGE_ERROR or not self.recorder.collected:
            return
        status = self.recorder.finish(interrupted=interrupted)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            status = recorder.ERROR
        session.exitstatus = pytest.ExitCode.INTERRUPTED if interrupted else status

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Summarise by section; say where the results are."""
        file = self.recorder.directory / "results.jsonl"
        if not self.recorder.cases:
            return
        # Only a run that ends needs them.
        from reports import red, summary  # noqa: PLC0415

        run = results.read(file)
        page = self.recorder.directory / "report.html"
        lost = self._publish(run, page)
        terminalreporter.section("conformance")
        terminalreporter.write_line(summary.render(run))
        if self.setup.options.update and run.end is not None and not run.end.interrupted:
            terminalreporter.write_line(self._update(run))
        terminalreporter.write_line(f"results: {file}")
        said = red.lines(run, str(page), self.setup.options.gate)
        for line in said or [f"report:  {page}"]:
            terminalreporter.write_line(line, red=bool(said))
        for line in lost:
            terminalreporter.write_line(f"ERROR: {line}", red=True)
        if lost and self.session is not None:
            self.session.exitstatus = recorder.ERROR

    def _publish(self, run: results.Run, page: Path) -> list[str]:
        """Write report.html and evidence/; return in a line each what could not be written."""
        from reports import html, output, repro  # noqa: PLC0415 - as above

        lost = []
        directory = self.recorder.directory
        try:
            output.write(page, html.render(run), [directory], "give another --results")
        except UsageError as error:
            lost.append(str(error))
        try:
            repro.write_all(run, directory, Path(self.setup.probe))
        except UsageError as error:
            lost.append(str(error))
        return lost

    def _update(self, run: results.Run) -> str:
        from harness import adjudication  # noqa: PLC0415 - only who updates waits for it
        from reports.expected import expected_and_seen  # noqa: PLC0415 - as above
        from reports.text import line  # noqa: PLC0415 - as above

        def told(case: results.Case) -> tuple[str, str]:
            expected, seen = expected_and_seen(case) or (case.summary, case.reason)
            return line(expected, 160), line(seen, 160)

        runtime = self.setup.runtime
        path = _expected(self.setup.options, runtime)
        if path is None:
            return ""
        place = adjudication.Place(host.in_user_namespace(), _cgroups(self.setup.options))
        try:
            change = adjudication.update(path, runtime, run.cases, told, place)
        except UsageError as error:
            return f"expectations: {error}"
        return f"expectations: {path}: {change}"
