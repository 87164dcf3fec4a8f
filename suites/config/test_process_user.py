"""POSIX-platform user."""

import pytest

from harness import clause, generates_an_error, host, requires, tolerates_an_error

USERS = pytest.mark.parametrize(
    "user",
    [
        {"uid": 1234, "gid": 2345, "umask": 0o077, "additionalGids": [5, 6, 70000]},
        {"uid": 4321, "gid": 0, "umask": 0o002, "additionalGids": [7]},
        {"uid": 0, "gid": 1, "umask": 0},
    ],
    ids=["user", "group-root", "root"],
)

MAPPED = {
    "uidMappings": [{"containerID": 0, "hostID": 100_000, "size": 65_536}],
    "gidMappings": [{"containerID": 0, "hostID": 200_000, "size": 65_536}],
}

NAMESPACES = ["user", "pid", "network", "ipc", "uts", "mount"]


@pytest.fixture
def facts_of(shared):
    """Facts of a program that runs as this user."""
    return lambda user: shared("program", process={"user": user}).facts


@pytest.fixture
def mapped(shared):
    """A container in a user namespace, whose program is user 1234 and group 2345 there."""
    user = {"uid": 1234, "gid": 2345}
    return shared("program", process={"user": user}, namespaces=NAMESPACES, linux=MAPPED)


@clause("config.process.user.uid")
@USERS
def test_runs_the_program_as_the_user(facts_of, user):
    ids = facts_of(user)["ids"]

    assert [*ids["uid"], ids["fsuid"]] == [user["uid"]] * 4


@clause("config.process.user.uid")
@requires(host.user_namespaces)
def test_takes_the_user_for_one_of_the_container(mapped):
    status = mapped.process.text("status").splitlines()

    assert mapped.facts["ids"]["uid"] == [1234] * 3
    assert "\t".join(["Uid:", *["101234"] * 4]) in status


@clause("config.process.user.gid")
@USERS
def test_runs_the_program_in_the_group(facts_of, user):
    ids = facts_of(user)["ids"]

    assert [*ids["gid"], ids["fsgid"]] == [user["gid"]] * 4


@clause("config.process.user.gid")
@requires(host.user_namespaces)
def test_takes_the_group_for_one_of_the_container(mapped):
    status = mapped.process.text("status").splitlines()

    assert mapped.facts["ids"]["gid"] == [2345] * 3
    assert "\t".join(["Gid:", *["202345"] * 4]) in status


@clause("config.process.user.{kind}-required")
@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_may_take_root_for_an_absent_id(create, shared, record, kind):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create(
            "program",
            process={"user": {"uid": 1234, "gid": 2345}},
            offence={"process": {"user": {kind: None}}},
        ).start()

    record("refused", outcome.refused)
    assert outcome.refused or container.facts["ids"][kind] == [0] * 3


@clause("config.process.user.umask")
@USERS
def test_sets_the_umask(facts_of, user):
    assert facts_of(user)["umask"] == user["umask"]


@clause("config.process.user.umask-unset")
@pytest.mark.parametrize("umask", [0o137, 0])
def test_keeps_the_umask_of_its_caller(create, caller, umask):
    caller(umask=umask)

    container = create("program").start()

    assert container.facts["umask"] == umask


@clause("config.process.user.additional-gids")
@USERS
def test_adds_the_further_groups(facts_of, user):
    ids = facts_of(user)["ids"]

    assert set(ids["groups"]) - {user["gid"]} == set(user.get("additionalGids", []))


@clause("config.process.user.additional-gids-only")
@requires(host.real_root)
@pytest.mark.parametrize("user", [{}, {"additionalGids": [5]}], ids=["none", "one"])
def test_passes_no_group_of_its_caller_on(create, caller, user):
    caller(groups=[4242, 4243])

    container = create("program", process={"user": {"uid": 1000, "gid": 1000, **user}}).start()

    assert {4242, 4243}.intersection(container.facts["ids"]["groups"]) == set()


@clause("config.process.user.numeric-only")
@pytest.mark.parametrize(
    "user",
    [{"uid": "root"}, {"gid": "root"}, {"uid": "0"}],
    ids=["user-root", "group-root", "number-as-text"],
)
def test_refuses_names_of_users(create, shared, user):
    shared("program").printed("ready")

    with generates_an_error():
        create("program", offence={"process": {"user": user}}).start()
