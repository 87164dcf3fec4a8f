"""Linux process: execCPUAffinity, which needs an exec that the specification does not define."""

import pytest

from harness import clause, control, generates_an_error, kernel, requires

LISTS = pytest.mark.parametrize(
    ("processors", "number"),
    [("1", 1), ("0", 0), ("1-1", 1), ("0,0", 0), ("0,0-0", 0), ("1-1,1", 1)],
)


@pytest.fixture
def affinity_of(shared):
    """The processors of a program that exec executes, or that is the container's own."""

    def run(**affinity):
        return shared("waits").printed("ready").execute(execCPUAffinity=affinity)["affinity"]

    return run


@clause("config.process.exec-cpu-affinity.not-for-init")
@requires(kernel.several_processors)
@pytest.mark.parametrize(
    "affinity", [{"initial": "0", "final": "0"}, {"initial": "1"}], ids=["both", "initial"]
)
def test_does_not_confine_the_container_process(shared, affinity):
    confined = shared("program", process={"execCPUAffinity": affinity})

    assert confined.facts["affinity"] == shared("program").facts["affinity"]


@clause("config.process.exec-cpu-affinity.final")
@requires(kernel.several_processors)
@pytest.mark.parametrize("initial", [None, "0"], ids=["final", "both"])
@pytest.mark.parametrize("final", [0, 1])
def test_confines_what_is_executed_to_the_final_processors(affinity_of, initial, final):
    affinity = {"final": str(final), **({"initial": initial} if initial else {})}

    assert int(affinity_of(**affinity), 16) == 1 << final


@clause("config.process.exec-cpu-affinity.final-unset")
@requires(kernel.several_processors)
@pytest.mark.parametrize("final", [{}, {"final": ""}], ids=["unset", "empty"])
def test_leaves_the_final_processors_to_the_kernel(affinity_of, record, final):
    # Which they are depends on whether the kernel moved the process to another cpuset.
    record("affinity", affinity_of(initial="0", **final))
    record("affinity without initial", affinity_of())


@clause("config.process.exec-cpu-affinity.format")
@requires(kernel.several_processors)
@LISTS
def test_reads_lists_of_processors(affinity_of, processors, number):
    assert int(affinity_of(final=processors), 16) == 1 << number


@clause("config.process.exec-cpu-affinity.format")
@requires(kernel.several_processors)
@pytest.mark.parametrize("processors", ["a", "1-0", "0-", "-1", "0;1"])
def test_refuses_what_is_no_list_of_processors(affinity_of, processors):
    with control():
        affinity_of(final="0")

    with generates_an_error():
        affinity_of(final=processors)
