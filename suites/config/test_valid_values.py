"""Valid values."""

import pytest

from harness import clause, control, generates_an_error, kernel, requires, tolerates_an_error
from harness.seccomp import CALLS, behind, condition, rule

# Clauses of the property itself, which a release has brought.
SINCE_1_0_2 = pytest.mark.clause("linux.personality.unknown-errors")
SINCE_1_1 = pytest.mark.clause("config.process.scheduler.unknown-value-errors")


def linux(**members):
    return {"linux": members}


def process(**members):
    return {"process": members}


def namespace(type_):
    return lambda config: config["linux"]["namespaces"].append({"type": type_})


def device(type_):
    return linux(devices=[{"path": "/dev/conformance", "type": type_, "major": 1, "minor": 3}])


INVALID = [
    pytest.param(namespace("bogus"), id="namespace"),
    pytest.param(device("z"), id="device"),
    pytest.param(linux(rootfsPropagation="bogus"), id="rootfsPropagation"),
    pytest.param(linux(**behind("ALLOW", rule("BOGUS", CALLS[0]))), id="seccomp-action"),
    pytest.param(
        linux(**behind("ALLOW", rule("ERRNO", CALLS[0], args=[condition(0, "BOGUS", 5)]))),
        id="seccomp-operator",
    ),
    pytest.param(process(rlimits=[{"type": "RLIMIT_BOGUS", "soft": 0, "hard": 0}]), id="rlimit"),
    pytest.param(linux(personality={"domain": "BOGUS"}), id="personality", marks=SINCE_1_0_2),
    pytest.param(
        process(ioPriority={"class": "IOPRIO_CLASS_BOGUS", "priority": 0}),
        id="ioPriority",
        marks=SINCE_1_1,
    ),
    pytest.param(
        process(scheduler={"policy": "SCHED_BOGUS", "nice": 0}), id="scheduler", marks=SINCE_1_1
    ),
]

OF_WRONG_TYPE = {
    "args": process(args="/probe"),
    "env": process(env="PATH=/bin"),
    "cwd": process(cwd=["/"]),
    "uid": process(user={"uid": "0"}),
    "gid": process(user={"gid": True}),
    "oomScoreAdj": process(oomScoreAdj=100.5),
    "terminal": process(terminal="false"),
    "readonly": {"root": {"readonly": "true"}},
    "mounts": lambda config: config.update(mounts=config["mounts"][0]),
    "hostname": {"hostname": 7},
    "hooks": {"hooks": [{"path": "/probe"}]},
    "namespaces": linux(namespaces="pid"),
    "rlimits": process(rlimits={}),
}

OUT_OF_RANGE = {
    **{f"uid-{n}": process(user={"uid": n}) for n in (-1, 2**32 - 1, 2**32)},
    **{f"gid-{n}": process(user={"gid": n}) for n in (-1, 2**32 - 1, 2**32)},
    **{
        f"rlimit-{n}": process(rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": n}])
        for n in (-1, 2**64)
    },
}

NO_CONFIGURATION = {
    "empty": lambda _: "",
    "blank": lambda _: " \n",
    "truncated": lambda text: text[: len(text) // 2],
    "unclosed": lambda text: text.rstrip().removesuffix("}"),
    "array": lambda text: f"[{text}]",
    "null": lambda _: "null",
    "string": lambda _: '"text"',
}

NEARLY = {
    "trailing-text": lambda text: f"{text} text",
    "two-objects": lambda text: text + text,
    "comment": lambda text: text.replace("{", "{ // a comment\n", 1),
    "byte-order-mark": lambda text: f"\ufeff{text}",
    "trailing-comma": lambda text: f"{text.rstrip().removesuffix('}')},}}",
}

SUBSET = {
    "LINUX32": linux(personality={"domain": "LINUX32"}),
    "unbindable": linux(rootfsPropagation="unbindable"),
    "device-u": device("u"),
    "seccomp": linux(**behind("ALLOW", rule("ERRNO", CALLS[0]))),
}


@pytest.fixture
def rewritten(bundle):
    """A bundle whose config.json is what a function makes of its text."""

    def make(rewrite):
        made = bundle("waits")
        made.config.write_text(rewrite(made.config.read_text(encoding="utf-8")), encoding="utf-8")
        return made

    return make


@clause("config.valid-values.invalid-errors")
@pytest.mark.parametrize("offence", INVALID)
def test_refuses_a_value_that_there_is_not(create, shared, offence):
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence=offence).start()


@clause("config.valid-values.wrong-json-type-errors")
@pytest.mark.parametrize("offence", OF_WRONG_TYPE.values(), ids=OF_WRONG_TYPE)
def test_refuses_a_value_of_the_wrong_type(create, shared, offence):
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence=offence).start()


@clause("config.valid-values.integer-ranges")
@pytest.mark.parametrize("offence", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_refuses_an_integer_out_of_range(create, shared, offence):
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence=offence).start()


@clause("config.valid-values.integer-ranges.exact")
@requires(kernel.limit("RLIMIT_RSS", 2**64 - 1))
@pytest.mark.parametrize(
    ("number", "seen"),
    [(2**53 + 1, 2**53 + 1), (2**63 + 1, 2**63 + 1), (2**64 - 1, "infinity")],
    ids=["2**53+1", "2**63+1", "2**64-1"],
)
def test_takes_large_integers_exactly(create, number, seen):
    limit = {"type": "RLIMIT_RSS", "soft": number, "hard": number}

    container = create("program", process={"rlimits": [limit]}).start()

    assert container.facts["rlimits"]["RLIMIT_RSS"] == [seen, seen]


@clause("config.valid-values.malformed-json-errors")
@pytest.mark.parametrize("rewrite", NO_CONFIGURATION.values(), ids=NO_CONFIGURATION)
def test_refuses_what_is_no_json_object(create, rewritten, rewrite):
    with control():
        create(rewritten(lambda text: f"\n {text} \n")).start().printed("ready")

    with generates_an_error():
        create(rewritten(rewrite)).start()


@clause("config.valid-values.malformed-json.nearly")
@pytest.mark.parametrize("rewrite", NEARLY.values(), ids=NEARLY)
def test_may_overlook_a_detail_of_json(create, shared, rewritten, record, rewrite):
    with control():
        shared("waits").printed("ready")

    with tolerates_an_error() as outcome:
        create(rewritten(rewrite)).start().printed("ready")

    record("outcome", "an error" if outcome.refused else "success")


@clause("config.valid-values.subset-allowed")
@pytest.mark.parametrize("value", SUBSET.values(), ids=SUBSET)
def test_may_choose_a_subset_of_the_valid_values(create, shared, record, value):
    with control():
        shared("waits").printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", offence=value).start().printed("ready")

    record("outcome", "an error" if outcome.refused else "success")
