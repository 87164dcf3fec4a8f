"""Linux process: noNewPrivileges and oomScoreAdj."""

import pytest

from harness import clause, control, generates_an_error, host, kernel, requires

BOTH = pytest.mark.parametrize("score", [321, 0])

LOWER = pytest.mark.requires.with_args(host.cap_sys_resource)


@pytest.fixture
def user_of_helper(bundle, create):
    """Effective user of a program of root's, set-user-ID, that user 1000 executes."""

    def run(**process):
        wanted = {"user": {"uid": 1000, "gid": 1000}, **process}
        made = bundle("program", process=wanted, words=["exec=/helper"])
        made.plant(made.inside("/helper"), "facts=ids", "say=ready", "pause")
        made.inside("/helper").chmod(0o4755)
        _, effective, _ = create(made).start().facts["ids"]["uid"]
        return effective

    return run


@clause("config.process.no-new-privileges.true")
@pytest.mark.parametrize("uid", [0, 1000])
def test_sets_no_new_privs(shared, uid):
    process = {"noNewPrivileges": True, "user": {"uid": uid, "gid": uid}}
    container = shared("program", process=process)

    assert container.facts["no_new_privs"] == 1


@clause("config.process.no-new-privileges.true")
@requires(kernel.privileges_can_be_gained)
def test_keeps_the_program_from_gaining_privileges(user_of_helper):
    bounding = {"capabilities": {"bounding": ["CAP_SETUID"]}}
    with control():
        assert user_of_helper(**bounding) == 0

    assert user_of_helper(**bounding, noNewPrivileges=True) == 1000


@clause("config.process.no-new-privileges.false")
@requires(kernel.privileges_can_be_gained)
@pytest.mark.parametrize("process", [{}, {"noNewPrivileges": False}], ids=["unset", "false"])
def test_may_let_the_program_gain_privileges(shared, user_of_helper, record, process):
    record("no_new_privs", shared("program", process=process).facts["no_new_privs"])
    record("a set-user-ID program of root's runs as", user_of_helper(**process))


@clause("config.process.oom-score-adj.set")
@requires(kernel.neutral_oom_score)
@pytest.mark.parametrize("score", [500, 1000, 0, pytest.param(-500, marks=LOWER)])
def test_sets_oom_score_adj(create, caller, score):
    caller(oom_score_adj=100)

    container = create("program", process={"oomScoreAdj": score}).start()

    assert container.facts["oom_score_adj"] == score


@clause("config.process.oom-score-adj.unset-unchanged")
@requires(kernel.neutral_oom_score)
@BOTH
def test_leaves_oom_score_adj_as_it_is(create, caller, score):
    caller(oom_score_adj=score)

    container = create("program").start()

    assert container.facts["oom_score_adj"] == score


@clause("config.process.oom-score-adj.out-of-range")
@pytest.mark.parametrize("score", [1001, -1001])
def test_refuses_a_score_beyond_the_range(create, score):
    with control():
        create("program", process={"oomScoreAdj": 1000}).start().printed("ready")

    with generates_an_error():
        create("program", offence={"process": {"oomScoreAdj": score}}).start()
