"""Linux process: ioPriority. A class that a runtime does not support it has to refuse."""

import pytest

from harness import clause, control, generates_an_error, kernel, tolerates_an_error

# ioprio_get(2) has the class above bit 13 and the level below it.
CLASS_SHIFT = 13

MAY_HAVE_PRIORITY = pytest.mark.requires.with_args(kernel.capability("CAP_SYS_NICE"))

CLASSES = pytest.mark.parametrize(
    ("class_", "number", "level"),
    [
        pytest.param("rt", 1, 3, marks=MAY_HAVE_PRIORITY, id="RT"),
        pytest.param("be", 2, 6, id="BE"),
        pytest.param("idle", 3, 4, id="IDLE"),
    ],
)

CHILD = [
    *("child", "as=child", "facts=ioprio", "say=child ready", "pause", "end"),
    *("facts=ioprio", "say=ready", "pause"),
]


def best_effort(level):
    return {"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": level}}


@pytest.fixture
def incomplete(create, shared):
    """The I/O priority of a program for which a member is missing; None where that is refused."""

    def run(member):
        shared("program").printed("ready")
        with tolerates_an_error() as outcome:
            container = create(
                "program", process=best_effort(3), offence={"process": {"ioPriority": member}}
            ).start()
        return None if outcome.refused else container.facts["ioprio"]

    return run


@clause("config.process.io-priority.class-{class_}")
@CLASSES
def test_sets_the_class(facts_with, class_, number, level):
    facts = facts_with(ioPriority={"class": f"IOPRIO_CLASS_{class_.upper()}", "priority": level})

    assert facts["ioprio"] >> CLASS_SHIFT == number


@clause("config.process.io-priority.level")
@pytest.mark.parametrize("level", [0, 3, 7])
def test_sets_the_level(facts_with, level):
    facts = facts_with(**best_effort(level))

    assert facts["ioprio"] == 2 << CLASS_SHIFT | level


@clause("config.process.io-priority.class-required")
def test_may_take_a_priority_without_a_class(incomplete, record):
    seen = incomplete({"class": None})

    record("ioprio without class", seen)
    assert seen is None or seen >> CLASS_SHIFT in range(4)


@clause("config.process.io-priority.priority-required")
def test_may_take_a_class_without_a_priority(incomplete, record):
    seen = incomplete({"priority": None})

    record("ioprio without priority", seen)
    assert seen is None or seen >> CLASS_SHIFT == 2


@clause("config.process.io-priority.range")
@pytest.mark.parametrize("level", [8, -1])
def test_refuses_a_level_beyond_the_range(create, shared, level):
    with control():
        shared("program", process=best_effort(7)).printed("ready")

    with generates_an_error():
        create("program", offence={"process": best_effort(level)}).start()


@clause("config.process.io-priority.process-group")
def test_sets_the_priority_of_children_too(create):
    container = create("program", process=best_effort(6), words=CHILD).start()

    container.printed("ready").printed("child ready")

    seen = {line.as_: line.data["facts"] for line in container.lines if line.event == "facts"}
    wanted = {"ioprio": 2 << CLASS_SHIFT | 6}
    assert seen == {"": wanted, "child": wanted}


@clause("config.process.io-priority.unknown-class-errors")
@pytest.mark.parametrize(
    "class_",
    ["IOPRIO_CLASS_NONE", "IOPRIO_CLASS_NOSUCH", "BE", ""],
    ids=["NONE", "NOSUCH", "BE", "empty"],
)
def test_refuses_an_unknown_class(create, shared, class_):
    with control():
        shared("program", process=best_effort(3)).printed("ready")

    with generates_an_error():
        offence = {"ioPriority": {"class": class_, "priority": 3}}
        create("program", offence={"process": offence}).start()
