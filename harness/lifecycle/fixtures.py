"""The fixture of the lifecycle cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import clauses, current, plugin
from harness.demands import control
from harness.faults import Deviation
from harness.lifecycle import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.container import Container
    from harness.journal import Journal
    from harness.lifecycle.search import Found, Search
    from harness.workspace import Workspace


@pytest.fixture
def follows_the_model(
    request: pytest.FixtureRequest, shared: Callable[..., Container]
) -> Callable[[str], None]:
    """Search a scenario for a sequence of operations that the runtime does not follow.

    Raises a Deviation with the shortest one. Clauses that the runtime is known not to follow are
    looked at once, by the shortest sequence that shows each, and then left out of the search.
    """
    setup = request.config.stash[plugin.SETUP]
    case = request.node.stash[plugin.PROGRESS]

    def look(name: str) -> None:
        with control():
            shared("waits").printed("ready")
        scenario = model.SCENARIOS[name]
        version = setup.runtime.spec_version
        rows = model.table(scenario.bundles, lambda id_: clauses.catalogue()[id_].applies(version))
        from harness.lifecycle.search import Search  # noqa: PLC0415 - Hypothesis costs 0.4 s

        workspace = current.session().workspace
        known = {e.clause for e in setup.expectations.known if e.covers(case.case, [e.clause])}
        kinds = model.kinds_at(clauses.release(version))
        search = Search(workspace, scenario, rows, kinds, known)
        case.journal.moment("program", f"known: {', '.join(sorted(known)) or 'nothing'}")
        try:
            confirmed = search.confirm()
            found = search.look(setup.options.lifecycle_examples or scenario.examples)
        finally:
            _tell(case.journal, workspace, search)
        _judge(case.journal, confirmed, found)

    return look


def _tell(journal: Journal, workspace: Workspace, search: Search) -> None:
    """Go back to the case's own journal; it has the examples as a sum."""
    workspace.runtime.journal = journal
    journal.inside += sum(operation.seconds for operation in search.operations)
    journal.moment("program", f"{search.examples} sequences, {search.steps} steps")


def _judge(journal: Journal, confirmed: list[Found], found: Found | None) -> None:
    """Raise for what was found, else for what is known and still so."""
    shown = [found] if found is not None else confirmed
    if not shown:
        return
    for one in shown:
        journal.inside -= sum(operation.seconds for operation in one.journal.operations)
        journal.operations += one.journal.operations
        journal.timeline += one.journal.timeline
        journal.config = one.journal.config
    journal.repro = shown[0].script
    raise Deviation(list(dict.fromkeys(one.clause for one in shown)), "\n".join(map(str, shown)))
