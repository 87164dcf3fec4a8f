"""Allowed device list: what the program may open, whatever the files of the cgroup say.

All devices here are none of those that every container has: which of two rules wins there is open.
"""

import pytest

from harness import clause, control, generates_an_error, host, tolerates_an_error

pytestmark = pytest.mark.requires.with_args(host.cgroups, host.real_root)

EPERM = 1

NOTHING = {"allow": False, "access": "rwm"}
EVERYTHING = {"allow": True, "access": "rwm"}

DEFAULT = ["null", "zero", "full", "random", "urandom", "tty", "ptmx"]


def node(kind, major, minor):
    """An entry of devices: ``/dev/c7.5``."""
    return {"path": f"/dev/{kind}{major}.{minor}", "type": kind, "major": major, "minor": minor}


NODES = [node("c", 7, 5), node("c", 7, 6), node("b", 7, 5), node("c", 10, 229)]


def allow(kind="c", major=7, minor=5, access="r"):
    """A rule that allows; what is None is left out."""
    given = {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}
    return {name: value for name, value in given.items() if value is not None}


def deny(**members):
    """A rule that denies."""
    return {**allow(**members), "allow": False}


def limits(rules):
    """Members of linux with the nodes and these rules."""
    return {"devices": NODES, "resources": {"devices": rules}}


def denied(container):
    """Whether the rules kept each open of the program, in order, from the device."""
    container.printed("ready")
    return [line.data["errno"] == EPERM for line in container.lines if line.event == "try"]


@pytest.fixture
def opening(shared):
    """Whether each open, ``r:/dev/c7.5``, is denied in a container with these rules."""

    def run(rules, *opens):
        tries = [f"open={words}" for words in opens]
        return denied(shared("tries", tries=tries, linux=limits(rules)))

    return run


@pytest.fixture
def valid(opening):
    """Show that the rules of the negative cases work without their offence."""
    with control():
        assert opening([NOTHING, allow()], "r:/dev/c7.5", "w:/dev/c7.5") == [False, True]


@clause("linux.resources.devices.listed-order")
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([NOTHING, allow()], [False, True]),
        ([allow(), NOTHING], [True, True]),
        ([NOTHING, allow(access="rw"), deny(access="w")], [False, True]),
        ([NOTHING, deny(access="w"), allow(access="rw")], [False, False]),
    ],
    ids=["deny-allow", "allow-deny", "taken-back", "given-back"],
)
def test_applies_the_rules_in_their_order(opening, rules, expected):
    assert opening(rules, "r:/dev/c7.5", "w:/dev/c7.5") == expected


@clause("linux.resources.devices.allow-required")
@pytest.mark.usefixtures("valid")
def test_does_not_take_a_rule_without_allow_for_one_that_allows(create, record):
    rules = limits([NOTHING, {"type": "c", "major": 7, "minor": 5, "access": "r"}])

    with tolerates_an_error() as outcome:
        container = create("tries", tries=["open=r:/dev/c7.5"], offence={"linux": rules})
    record("a rule without allow", "an error" if outcome.refused else "accepted")

    assert outcome.refused or denied(container.start()) == [True]


@clause("linux.resources.devices.allow-deny")
@pytest.mark.parametrize(
    ("rules", "expected"),
    [([NOTHING, allow()], [False, True]), ([EVERYTHING, deny()], [True, False])],
    ids=["allow", "deny"],
)
def test_allows_or_denies(opening, rules, expected):
    assert opening(rules, "r:/dev/c7.5", "r:/dev/c7.6") == expected


@clause("linux.resources.devices.type")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (allow("c", access="rwm"), [False, True]),
        (allow("b", access="rwm"), [True, False]),
        (allow("a", None, None, "rwm"), [False, False]),
    ],
    ids=["c", "b", "a"],
)
def test_tells_the_types_apart(opening, rule, expected):
    assert opening([NOTHING, rule], "r:/dev/c7.5", "r:/dev/b7.5") == expected


@clause("linux.resources.devices.type-unset-all")
def test_takes_a_rule_without_a_type_for_all_types(opening):
    assert opening([EVERYTHING, NOTHING], "r:/dev/c7.5", "r:/dev/b7.5") == [True, True]


@clause("linux.resources.devices.major-minor-unset-all")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (allow(minor=None), [False, False, True]),
        (allow(major=None, minor=229), [True, True, False]),
    ],
    ids=["minor", "major"],
)
def test_takes_a_rule_without_a_number_for_all_numbers(opening, rule, expected):
    opens = ("r:/dev/c7.5", "r:/dev/c7.6", "r:/dev/c10.229")

    assert opening([NOTHING, rule], *opens) == expected


@clause("linux.resources.devices.access")
@pytest.mark.parametrize(
    ("access", "expected"),
    [("r", [False, True, True]), ("w", [True, False, True]), ("rw", [False, False, False])],
)
def test_grants_the_access_that_is_named(opening, access, expected):
    opens = ("r:/dev/c7.5", "w:/dev/c7.5", "rw:/dev/c7.5")

    assert opening([NOTHING, allow(access=access)], *opens) == expected


@clause("linux.resources.devices.access-invalid-errors")
@pytest.mark.parametrize("access", ["rx"])
@pytest.mark.usefixtures("valid")
def test_refuses_an_unknown_access(create, access):
    with generates_an_error():
        create("waits", offence={"linux": limits([NOTHING, allow(access=access)])})


@clause("linux.resources.devices.type-invalid-errors")
@pytest.mark.parametrize("kind", ["z", "p"])
@pytest.mark.usefixtures("valid")
def test_refuses_an_unknown_type(create, kind):
    with generates_an_error():
        create("waits", offence={"linux": limits([NOTHING, allow(kind)])})


@clause("linux.resources.devices.access.mknod")
def test_may_let_the_program_make_a_node_that_it_cannot_use(create, record):
    tries = ["mknod=c,600,7,5:/tmp/one", "mknod=c,600,7,6:/tmp/other", "open=w:/tmp/other"]

    container = create("tries", tries=tries, linux=limits([NOTHING, allow()])).start()

    one, other, used = denied(container)
    record("mknod without m", "denied" if one else "allowed")
    record("mknod of a denied device", "denied" if other else "allowed")
    assert other or used


@clause("linux.resources.devices.access-unset")
@pytest.mark.usefixtures("valid")
def test_chooses_what_a_rule_without_access_is_about(create, record):
    rules = limits([NOTHING, allow(access=None)])
    tries = ["open=r:/dev/c7.5", "open=w:/dev/c7.5", "open=r:/dev/c7.6"]

    with tolerates_an_error() as outcome:
        container = create("tries", tries=tries, linux=rules)
    seen = [] if outcome.refused else denied(container.start())
    record("without access", "an error" if outcome.refused else f"r, w denied: {seen[:2]}")

    assert outcome.refused or seen[2]


@clause("linux.resources.devices.type-a-with-numbers")
@pytest.mark.usefixtures("valid")
def test_chooses_what_numbers_behind_type_a_are(create, record):
    rules = limits([NOTHING, allow("a")])
    tries = ["open=r:/dev/c7.5", "open=r:/dev/b7.5", "open=r:/dev/c10.229"]

    with tolerates_an_error() as outcome:
        container = create("tries", tries=tries, linux=rules)
    seen = [] if outcome.refused else denied(container.start())

    names = ("c 7:5", "b 7:5", "c 10:229")
    record("a 7:5 allows", [n for n, no in zip(names, seen, strict=False) if not no])
    assert outcome.refused or not seen[0]


@clause("linux.resources.devices.default-devices-under-deny")
@pytest.mark.parametrize(
    "rules",
    [[NOTHING], [EVERYTHING, deny(major=1, minor=3, access="rwm")]],
    ids=["all", "null"],
)
def test_has_the_default_devices_whatever_the_rules(create, record, rules):
    tries = [f"{word}/dev/{name}" for name in DEFAULT for word in ("stat=", "open=r:")]

    container = create("tries", tries=tries, linux=limits(rules)).start().printed("ready")

    errnos = [line.data["errno"] for line in container.lines if line.event == "try"]
    record("denied", [n for n, errno in zip(DEFAULT, errnos[1::2], strict=True) if errno == EPERM])
    assert errnos[::2] == [0] * len(DEFAULT)
