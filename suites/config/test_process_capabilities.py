"""Linux process: capabilities.

execve(2) computes the permitted and the effective set anew, capabilities(7): for user 0 from the
bounding and the inheritable one, for others from the ambient one. Under no_new_privs permitted is
besides cut to what it was before. So what a list says is seen in different ways; and the lists
here obey the kernel: inheritable within bounding, effective and ambient within permitted.
"""

import pytest

from harness import clause, control, generates_an_error, kernel, linux, may_be_unsupported

LISTS = {
    "bounding": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID"],
    "permitted": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL"],
    "effective": ["CAP_CHOWN", "CAP_DAC_OVERRIDE"],
    "inheritable": ["CAP_CHOWN", "CAP_FOWNER", "CAP_KILL"],
    "ambient": ["CAP_KILL"],
}

BEYOND = {**LISTS, "permitted": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL"]}
"""Not all that is inheritable is permitted."""

EQUAL = {kind: ["CAP_FOWNER", "CAP_SETUID", "CAP_WAKE_ALARM"] for kind in LISTS}
"""The last is above 31: capset(2) has it in the second half of its masks."""

UIDS = pytest.mark.parametrize("uid", [0, 1000])

NAMES = pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, id=name, marks=pytest.mark.requires.with_args(kernel.capability(name)))
        for number, name in enumerate(linux.CAPABILITIES)
    ],
)

BITS = range(6)
"""Of the code of a capability, its number and one: so each has a bit, and all are below 64."""


def mask(names):
    return f"{sum(1 << linux.CAPABILITIES.index(name) for name in names):016x}"


ALL_EQUAL = {kind: mask(names) for kind, names in EQUAL.items()}


@pytest.fixture
def sets_of(shared):
    """The five sets of a program with these lists of capabilities."""

    def of(lists, uid=0, **process):
        user = {"uid": uid, "gid": uid}
        wanted = {"capabilities": lists, "user": user, **process}
        return shared("program", process=wanted).facts["caps"]

    return of


@pytest.fixture
def bounding_sets(sets_of):
    """Bounding sets, one a bit: the one for bit N lists the names that have it in their code."""
    held = [name for name in linux.CAPABILITIES if not kernel.capability(name)()]
    lists = [[n for n in held if (linux.CAPABILITIES.index(n) + 1) >> bit & 1] for bit in BITS]
    return [int(sets_of({"bounding": names})["bounding"], 16) for names in lists]


@pytest.fixture
def with_one_more(create, runtime, shared, record):
    """The five sets of a program with one more capability than EQUAL lists."""

    def run(name, *lists):
        with control():
            shared("program").printed("ready")
        more = {kind: [*EQUAL[kind], name] if kind in lists else EQUAL[kind] for kind in EQUAL}
        container = create("program", process={"capabilities": more}).start()
        record("standard error", [done.stderr for done in runtime.journal.operations])
        return container.facts["caps"]

    return run


@clause("config.process.capabilities.effective")
@UIDS
def test_makes_the_effective_capabilities_effective(sets_of, uid):
    assert sets_of(EQUAL, uid)["effective"] == mask(EQUAL["effective"])


@clause("config.process.capabilities.bounding")
@UIDS
def test_bounds_by_the_bounding_capabilities(sets_of, uid):
    assert sets_of(LISTS, uid)["bounding"] == mask(LISTS["bounding"])


@clause("config.process.capabilities.inheritable")
@UIDS
def test_passes_the_inheritable_capabilities_on(sets_of, uid):
    assert sets_of(LISTS, uid)["inheritable"] == mask(LISTS["inheritable"])


@clause("config.process.capabilities.inheritable")
def test_passes_inheritable_capabilities_on_that_are_not_permitted(sets_of):
    assert sets_of(BEYOND)["inheritable"] == mask(BEYOND["inheritable"])


@clause("config.process.capabilities.permitted")
@pytest.mark.parametrize(
    "names", [LISTS["permitted"], ["CAP_CHOWN"], []], ids=["four", "one", "none"]
)
def test_permits_the_permitted_capabilities(sets_of, names):
    lists = {"bounding": LISTS["bounding"], "permitted": names, "effective": names}

    assert sets_of(lists, noNewPrivileges=True)["permitted"] == mask(names)


@clause("config.process.capabilities.ambient")
@UIDS
def test_raises_the_ambient_capabilities(sets_of, uid):
    assert sets_of(LISTS, uid)["ambient"] == mask(LISTS["ambient"])


@clause("config.process.capabilities.ambient")
def test_gives_an_ordinary_user_the_ambient_capabilities(sets_of):
    sets = sets_of(LISTS, 1000)

    assert [sets["permitted"], sets["effective"]] == [mask(LISTS["ambient"])] * 2


@clause("config.process.capabilities.set-omitted")
@UIDS
@pytest.mark.parametrize("bounding", [["CAP_KILL"], []], ids=["bounding", "nothing"])
def test_keeps_nothing_of_a_set_without_a_list(sets_of, uid, bounding):
    sets = sets_of({"bounding": bounding} if bounding else {}, uid)

    # Of user 0 execve(2) permits and makes effective what is in the bounding set.
    gained = mask(bounding if uid == 0 else [])
    assert sets == {
        "bounding": mask(bounding),
        "permitted": gained,
        "effective": gained,
        "inheritable": mask([]),
        "ambient": mask([]),
    }


@clause("config.process.capabilities.unknown-errors")
def test_refused_an_unknown_capability_in_older_releases(create, shared):
    shared("program").printed("ready")
    more = {**EQUAL, "bounding": [*EQUAL["bounding"], "CAP_NOSUCH"]}

    with generates_an_error():
        create("program", offence={"process": {"capabilities": more}}).start()


@clause("config.process.capabilities.unknown-warns")
def test_goes_on_without_an_unknown_capability(with_one_more):
    with may_be_unsupported("a capability that it does not know"):
        sets = with_one_more("CAP_NOSUCH", "bounding")

    assert sets == ALL_EQUAL


@clause("config.process.capabilities.ungrantable-warns")
def test_goes_on_without_a_capability_that_it_lacks(caller, with_one_more):
    caller(lacks=["CAP_SYS_TIME"])

    with may_be_unsupported("a capability that it lacks"):
        sets = with_one_more("CAP_SYS_TIME", *EQUAL)

    assert sets == ALL_EQUAL


@clause("config.process.capabilities.ungrantable-no-fail")
def test_does_not_fail_for_a_capability_that_it_lacks(caller, with_one_more):
    caller(lacks=["CAP_SYS_TIME"])

    assert with_one_more("CAP_SYS_TIME", *EQUAL) == ALL_EQUAL


@clause("config.process.capabilities.names")
@NAMES
def test_knows_each_capability_by_its_name(bounding_sets, number):
    seen = sum((kept >> number & 1) << bit for bit, kept in enumerate(bounding_sets))

    assert seen == number + 1
