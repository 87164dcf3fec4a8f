"""Memory policy: what get_mempolicy(2) tells the program."""

import json

import pytest

from harness import clause, control, generates_an_error, may_be_unsupported, requires, resources

pytestmark = pytest.mark.requires.with_args(resources.numa)

INTERLEAVE = 3

BIND = {"mode": "MPOL_BIND", "nodes": "0"}

MODES = {
    "default": ({"mode": "MPOL_DEFAULT"}, 0, []),
    "bind": (BIND, 2, [0]),
    "interleave": ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, INTERLEAVE, [0]),
    "weighted-interleave": ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, 6, [0]),
    "preferred": ({"mode": "MPOL_PREFERRED", "nodes": "0"}, 1, [0]),
    "preferred-many": ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, 5, [0]),
    "local": ({"mode": "MPOL_LOCAL"}, 4, []),
}

FLAGS = {"numa-balancing": 1 << 13, "relative-nodes": 1 << 14, "static-nodes": 1 << 15}


def constant(name):
    """``MPOL_F_STATIC_NODES``."""
    return "MPOL_F_" + name.upper().replace("-", "_")


@pytest.fixture
def in_force(create, shared):
    """Mode and nodes in a program with these members, of which it may support a subset."""

    def run(policy):
        shared("waits").printed("ready")
        with may_be_unsupported(f"memoryPolicy {json.dumps(policy)}"):
            container = create("linux", linux={"memoryPolicy": policy}).start()
        seen = container.facts["mempolicy"]
        return seen["mode"], seen["nodes"]

    return run


@pytest.fixture
def refused(create, shared):
    """Try to create a container with these members, where valid ones are known to work."""
    with control():
        shared("linux", linux={"memoryPolicy": BIND}).printed("ready")
    return lambda policy: create("waits", offence={"linux": {"memoryPolicy": policy}})


@clause("linux.memory-policy.mode-required")
@pytest.mark.parametrize("policy", [{}, {"nodes": "0"}], ids=["empty", "nodes"])
def test_refuses_a_policy_without_a_mode(refused, policy):
    with generates_an_error():
        refused(policy)


@clause("linux.memory-policy.mode.{mode}")
@pytest.mark.parametrize("mode", MODES)
def test_has_the_mode(in_force, caller, mode):
    policy, number, nodes = MODES[mode]
    # What is not applied is inherited: another one shows.
    caller(memory_policy=INTERLEAVE if number != INTERLEAVE else 2)

    assert in_force(policy) == (number, nodes)


@clause("linux.memory-policy.nodes")
@pytest.mark.parametrize("mode", ["MPOL_BIND", "MPOL_PREFERRED"])
def test_has_the_nodes(create, mode):
    policy = {"mode": mode, "nodes": "0"}

    container = create("linux", linux={"memoryPolicy": policy}).start()

    assert container.facts["mempolicy"]["nodes"] == [0]


@clause("linux.memory-policy.nodes")
@requires(resources.several_nodes)
@pytest.mark.parametrize(("given", "nodes"), [("1", [1]), ("0-1", [0, 1]), ("0,1", [0, 1])])
def test_has_each_of_the_nodes_and_no_other(create, given, nodes):
    container = create("linux", linux={"memoryPolicy": {**BIND, "nodes": given}}).start()

    assert container.facts["mempolicy"]["nodes"] == nodes


@clause("linux.memory-policy.nodes")
def test_refuses_a_node_that_is_not_there(create, shared):
    with control():
        shared("linux", linux={"memoryPolicy": BIND}).printed("ready")

    with generates_an_error():
        create("linux", linux={"memoryPolicy": {**BIND, "nodes": "63"}}).start()


@clause("linux.memory-policy.nodes-presence-per-mode")
@pytest.mark.parametrize(
    "policy",
    [
        {"mode": "MPOL_BIND"},
        {"mode": "MPOL_INTERLEAVE"},
        {"mode": "MPOL_DEFAULT", "nodes": "0"},
        {"mode": "MPOL_LOCAL", "nodes": "0"},
    ],
    ids=["bind", "interleave", "default", "local"],
)
def test_refuses_nodes_that_do_not_fit_the_mode(refused, policy):
    with generates_an_error():
        refused(policy).start()


@clause("linux.memory-policy.flag.{flag}")
@pytest.mark.parametrize("flag", FLAGS)
def test_sets_the_flag(in_force, flag):
    mode, _ = in_force({**BIND, "flags": [constant(flag)]})

    assert mode == 2 | FLAGS[flag]


@clause("linux.memory-policy.flag.{flag}")
@pytest.mark.parametrize("flag", ["relative-nodes", "static-nodes"])
def test_refuses_two_flags_that_exclude_each_other(refused, flag):
    assert flag in FLAGS

    with generates_an_error():
        flags = [constant("relative-nodes"), constant("static-nodes")]
        refused({**BIND, "flags": flags}).start()


@clause("linux.memory-policy.unknown-errors")
@pytest.mark.parametrize(
    "change",
    [{"mode": "MPOL_NOSUCH"}, {"mode": ""}, {"flags": ["MPOL_F_NOSUCH"]}],
    ids=["mode", "empty-mode", "flag"],
)
def test_refuses_an_unknown_value(refused, change):
    with generates_an_error():
        refused({**BIND, **change}).start()
