"""Options of the suite on pytest's command line, read once into plain data."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import clauses, host
from harness.faults import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

SUITES = Path(__file__).parent.parent / "suites"


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    runtime: str
    """As given; empty for the bundled reference runtime."""
    spec_version: str
    profiles: tuple[str, ...]
    expectations: str
    results: str
    deadline: float
    probe: str
    rootless: bool = False
    cgroup_view: str = ""
    """v1, v2, or empty for what the host mounts."""
    update: bool = False
    """Whether what the run shows is written into the expectation file."""
    gate: str = "must"
    """The lowest level that decides about the exit status."""
    repeat: int = 1
    """How many times each case is run."""
    lifecycle_examples: int = 0
    """Sequences of operations in each scenario of suites/lifecycle; 0 for its own number."""
    lane: str = ""
    """Name of the lane for the results; empty for the host as it is."""


OPTIONS: dict[str, dict[str, Any]] = {
    "--runtime": {
        "metavar": "PATH",
        "default": "",
        "help": "runtime to judge (default: the bundled one)",
    },
    "--spec-version": {
        "metavar": "X.Y.Z",
        "default": "",
        "help": "release to judge by (default: what the runtime declares)",
    },
    "--profile": {
        "action": "append",
        "choices": clauses.PROFILES,
        "help": "clauses to judge; may be repeated (default: core and linux)",
    },
    "--expectations": {
        "metavar": "FILE",
        "default": "",
        "help": "known deviations (default: the file of this runtime and version; 'none': none)",
    },
    "--results": {
        "metavar": "DIR",
        "default": "",
        "help": "where to write (default: build/results/NAME-VERSION)",
    },
    "--deadline": {
        "metavar": "SECONDS",
        "default": "5",
        "help": "seconds that one operation, or one sign of a container, may take (default: 5)",
    },
    "--probe": {"metavar": "PATH", "default": "", "help": "a probe that was built elsewhere"},
    "--rootless": {
        "action": "store_true",
        "help": "judge the runtime as an ordinary user runs it, in a user namespace",
    },
    "--gate": {
        "choices": ("must", "should"),
        "default": "must",
        "help": "lowest level of clauses that turn the exit status to 1 (default: must)",
    },
    "--update-expectations": {
        "action": "store_true",
        "help": "write new deviations into the expectation file, and remove what passes",
    },
    "--cgroup-view": {
        "choices": host.VIEWS,
        "default": "",
        "help": "let the runtime see this version of cgroups alone (default: what the host mounts)",
    },
    "--lane": {
        "metavar": "NAME",
        "default": "",
        "help": "name of this kind of host, for the results: merge tells lanes apart by it",
    },
    "--repeat": {
        "metavar": "N",
        "type": int,
        "default": 1,
        "help": "run each case N times; a verdict that differs is unstable, and turns the run red",
    },
    "--lifecycle-examples": {
        "metavar": "N",
        "type": int,
        "default": 0,
        "help": "sequences of operations that each lifecycle case tries (default: a few)",
    },
}
"""Each with what argparse is told of it."""

VALUED = frozenset(
    name for name, told in OPTIONS.items() if "action" not in told or told["action"] == "append"
)
"""Those that a value follows."""


def add(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("conformance", "conformance of OCI runtimes")
    for name, told in OPTIONS.items():
        group.addoption(name, **told)


def joined(words: Sequence[str]) -> list[str]:
    """Write ``--runtime PATH`` as ``--runtime=PATH``, and so each of our options.

    pytest looks for its rootdir before any plugin is loaded and takes every word that it cannot
    tell from a path for one: after a blank, the runtime's directory would become the rootdir.
    """
    found: list[str] = []
    for word in words:
        if found and found[-1] in VALUED:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def read(config: pytest.Config) -> Options:
    """Return the options; UsageError naming the one that is wrong."""
    version = config.getoption("--spec-version")
    if version and version not in clauses.RELEASES:
        known = ", ".join(clauses.RELEASES)
        raise UsageError(f"--spec-version {version}: not one of {known}")
    given = config.getoption("--deadline")
    try:
        deadline = float(given)
    except ValueError:
        deadline = math.nan
    if not 0 < deadline < math.inf:
        raise UsageError(f"--deadline {given}: not a number of seconds above zero")
    probe = config.getoption("--probe")
    if probe and not Path(probe).is_file():
        raise UsageError(f"--probe {probe}: no such file")
    view = config.getoption("--cgroup-view")
    if view and config.getoption("--rootless"):
        raise UsageError(f"--cgroup-view {view}: only root can mount cgroups anew")
    if view and (lacking := host.lacking_view(view)):
        raise UsageError(f"--cgroup-view {view}: {lacking}")
    return Options(
        runtime=config.getoption("--runtime"),
        spec_version=version,
        profiles=tuple(config.getoption("--profile") or ("core", "linux")),
        expectations=config.getoption("--expectations"),
        results=config.getoption("--results"),
        deadline=deadline,
        probe=probe,
        rootless=config.getoption("--rootless"),
        cgroup_view=view,
        update=_updating(config),
        gate=config.getoption("--gate"),
        repeat=_count(config, "--repeat", least=1),
        lifecycle_examples=_count(config, "--lifecycle-examples", least=0),
        lane=_lane(config.getoption("--lane")),
    )


def _count(config: pytest.Config, option: str, *, least: int) -> int:
    given = int(config.getoption(option))
    if given < least:
        raise UsageError(f"{option} {given}: give {least} or more")
    return given


def _lane(name: str) -> str:
    # It is shown, and part of file names.
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", name):
        raise UsageError(f"--lane {name!r}: letters, digits, points and hyphens, at most 40")
    return name


def _updating(config: pytest.Config) -> bool:
    update: bool = config.getoption("--update-expectations")
    if update and config.getoption("--expectations") == "none":
        raise UsageError("--update-expectations: there is no file with --expectations=none")
    return update


def judging(config: pytest.Config) -> bool:
    """Whether cases are to be run, and not only listed."""
    if config.option.help or config.option.collectonly or config.option.version:
        return False
    return about_cases(config)


def about_cases(config: pytest.Config) -> bool:
    """Whether a path that pytest was given lies in suites/ or holds it."""
    for path in _places(config):
        if path == SUITES or SUITES in path.parents or path in SUITES.parents:
            return True
    return False


def _places(config: pytest.Config) -> set[Path]:
    """Return the files and directories that pytest was given; of --pyargs, where suites lies."""
    base = config.invocation_params.dir
    words = {given.partition("::")[0] for given in config.args}
    named = {word for word in words if config.option.pyargs and word == SUITES.name}
    return {SUITES for _ in named} | {(base / word).resolve() for word in words - named}


def partial(config: pytest.Config) -> bool:
    """Whether only a part of the suite is run: -k, -m, --lf, --sw, --deselect, a shard or paths."""
    option = config.option
    chosen = (option.keyword, option.markexpr, option.deselect)
    # pytest-split names its shards by splits.
    again = (getattr(option, name, None) for name in ("lf", "stepwise", "splits"))
    of_one = any("::" in arg for arg in config.args)
    return any(chosen) or any(again) or of_one or _places(config) != {SUITES}


def bundled_runtime() -> Path:
    """Where the launcher of the bundled reference runtime is put: beside the interpreter's."""
    return Path(sys.prefix) / "bin" / "reference-runtime"
