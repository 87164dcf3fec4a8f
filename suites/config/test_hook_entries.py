"""POSIX-platform hooks: path, args, env and timeout of an entry."""

import time

import pytest

from harness import (
    IN_CREATE,
    KINDS,
    Hook,
    clause,
    control,
    generates_an_error,
    tolerates_an_error,
)

LATER = ["startContainer", "poststart", "poststop"]

BY_CREATE = pytest.mark.clause("config.hooks.prestart.timing.during-create")
"""Of prestart only while it belongs to create."""

NO_PATH = pytest.mark.clause("config.hooks.entry.path-required")
TIMEOUT = pytest.mark.clause("config.hooks.entry.timeout-positive")

INVALID = [
    pytest.param({"path": None}, marks=NO_PATH, id="no-path"),
    pytest.param({"path": ""}, marks=NO_PATH, id="empty-path"),
    pytest.param({"timeout": 0}, marks=TIMEOUT, id="timeout-0"),
    pytest.param({"timeout": -1}, marks=TIMEOUT, id="timeout-minus-1"),
]

RELATIVE = ["twin", "rootfs/twin", "tee"]
"""Found in the working directory or on the hook's PATH, in the bundle, on the runtime's PATH."""

HELD = Hook(
    words=["wait={root}/gate"], script_in="env", members={"args": ["{root}/probe"], "timeout": 5}
)
"""Never ends by itself, so that it cannot outrun a timeout; its args could be taken for a path."""

STUBBORN = Hook(words=["ignore=15", "wait={root}/gate"], members={"timeout": 1})
"""Ends only by SIGKILL."""


def spoilt(kind, members):
    """Return an offence that changes the only hook of this kind; None removes a member."""

    def change(config):
        entry = config["hooks"][kind][0]
        entry.update(members)
        for name in [name for name, value in entry.items() if value is None]:
            del entry[name]

    return change


@pytest.fixture
def planted(bundle):
    """Make a bundle with a hook that any of RELATIVE could be: a probe, or tee by its args."""

    def make(kind, offence=None):
        hook = Hook(
            env=["PATH={root}:/usr/bin:/bin"],
            script_in="env",
            members={"path": "{root}/twin", "args": ["tee", "{root}/copied"]},
        )
        made = bundle("waits", hooks={kind: [hook]}, offence=offence)
        made.plant(made.inside("/twin"))
        return made

    return make


@clause("config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", [pytest.param("prestart", marks=BY_CREATE), *IN_CREATE[1:]])
@pytest.mark.parametrize("members", INVALID)
def test_refuses_an_invalid_entry(lifecycle, bundle, create, kind, members):
    with control():
        lifecycle(hooks={kind: [Hook(members={"timeout": 5})]})
    made = bundle("waits", hooks={kind: [HELD]}, offence=spoilt(kind, members))
    made.gate()

    with generates_an_error():
        create(made)


@clause("config.hooks.start-container.supported")
@pytest.mark.parametrize("members", INVALID)
def test_runs_no_program_after_an_invalid_entry(bundle, lifecycle, create, survivors, members):
    with control():
        lifecycle(hooks={"startContainer": [Hook(members={"timeout": 5})]})
    offence = spoilt("startContainer", members)
    made = bundle("logs", hooks={"startContainer": [HELD]}, offence=offence)
    made.gate()

    with tolerates_an_error():
        create(made).start()

    assert (survivors(), "program begin" in made.moments) == ([], False)


@pytest.mark.parametrize("kind", ["poststart", "poststop"])
@pytest.mark.parametrize("members", INVALID)
def test_does_not_run_an_invalid_entry_to_its_end(lifecycle, bundle, attempt, kind, members):
    with control():
        lifecycle(hooks={kind: [Hook(members={"timeout": 5})]})
    made = bundle("waits", hooks={kind: [HELD]}, offence=spoilt(kind, members))
    made.gate()

    attempt(made)

    assert f"{kind} 1 end" not in made.moments


@clause("runtime.lifecycle.poststart.failure-errors")
@pytest.mark.parametrize("members", INVALID)
def test_refuses_an_invalid_poststart_entry_by_start(lifecycle, bundle, create, members):
    with control():
        lifecycle(hooks={"poststart": [Hook(members={"timeout": 5})]})
    made = bundle("waits", hooks={"poststart": [HELD]}, offence=spoilt("poststart", members))
    made.gate()

    with generates_an_error():
        create(made).start()


@clause("config.hooks.entry.path-absolute", "config.hooks.{kind}.timing.during-create")
@pytest.mark.parametrize("kind", IN_CREATE)
@pytest.mark.parametrize("path", RELATIVE)
def test_refuses_a_relative_path(lifecycle, create, planted, kind, path):
    with control():
        lifecycle(planted(kind))
    made = planted(kind, spoilt(kind, {"path": path}))

    with generates_an_error():
        create(made, cwd=made.rootfs)

    assert (made.ran, made.inside("/copied").exists()) == ([], False)


@clause("config.hooks.entry.path-absolute", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", LATER)
@pytest.mark.parametrize("path", RELATIVE)
def test_never_runs_what_a_relative_path_could_mean(lifecycle, attempt, planted, kind, path):
    with control():
        lifecycle(planted(kind))
    made = planted(kind, spoilt(kind, {"path": path}))

    attempt(made)

    assert (made.ran, made.inside("/copied").exists()) == ([], False)


@clause("config.hooks.entry.path-execv", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_executes_the_path_without_a_shell(bundle, lifecycle, kind):
    made = bundle("waits", hooks={kind: [Hook(members={"path": "{root}/a $HOME; 'b"})]})
    made.plant(made.inside("/a $HOME; 'b"))

    lifecycle(made)

    assert made.ran == [f"{kind} 1"]


@clause("config.hooks.entry.path-execv")
def test_does_what_it_likes_with_a_script_without_interpreter(bundle, create, record):
    create("waits").start().printed("ready")
    made = bundle("waits", hooks={"prestart": [Hook(members={"path": "{root}/script"})]})
    made.executable(made.inside("/script"), f'exec {made.inside("/probe")} "$@"\n')

    with tolerates_an_error():
        create(made).start()

    record("a script without #!", "run by a shell" if made.ran else "refused")


@clause(
    "config.hooks.entry.args", "config.hooks.entry.same-schema", "config.hooks.{kind}.supported"
)
@pytest.mark.parametrize("kind", KINDS)
def test_gives_a_hook_exactly_its_args(lifecycle, kind):
    args = ["x", "-a", "b c", ""]

    bundle = lifecycle(hooks={kind: [Hook(script_in="env", members={"args": args})]})

    assert bundle.hook(f"{kind} 1").facts["argv"] == args


@clause("config.hooks.entry.args-absent", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_runs_a_hook_without_args(lifecycle, record, kind):
    bundle = lifecycle(hooks={kind: [Hook(script_in="env", members={"args": None})]})

    record(f"argv of {kind} hooks without args", bundle.hook(f"{kind} 1").facts["argv"])

    assert bundle.ran == [f"{kind} 1"]


@clause("config.hooks.entry.env", "config.hooks.entry.same-schema", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_gives_a_hook_exactly_its_env(lifecycle, kind):
    bundle = lifecycle(hooks={kind: [Hook(env=["PATH=/x", "A=1", "B="])]})

    assert sorted(bundle.hook(f"{kind} 1").facts["env"]) == ["A=1", "B=", "PATH=/x"]


@clause("config.hooks.entry.env-absent")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("env", [None, []], ids=["absent", "empty"])
def test_chooses_the_env_of_a_hook_without_one(lifecycle, record, kind, env):
    bundle = lifecycle(hooks={kind: [Hook(members={"env": env})]})

    record("env", [hook.facts["env"] for hook in bundle.hooks])


@clause(
    "config.hooks.entry.timeout-aborts",
    "config.hooks.entry.same-schema",
    "config.hooks.{kind}.supported",
)
@pytest.mark.parametrize("kind", [pytest.param("prestart", marks=BY_CREATE), *IN_CREATE[1:]])
def test_aborts_a_create_time_hook_after_its_timeout(bundle, lifecycle, create, survivors, kind):
    with control():
        lifecycle(hooks={kind: [Hook(members={"timeout": 10})]})
    made = bundle("waits", hooks={kind: [STUBBORN]})
    made.gate()

    before = time.monotonic()
    with generates_an_error():
        create(made)

    assert (survivors(), time.monotonic() - before >= 1) == ([], True)
    assert made.moments == [f"{kind} 1 begin"]


@clause(
    "config.hooks.entry.timeout-aborts",
    "config.hooks.entry.same-schema",
    "config.hooks.{kind}.supported",
)
@pytest.mark.parametrize("kind", LATER)
def test_aborts_a_later_hook_after_its_timeout(bundle, lifecycle, attempt, survivors, kind):
    with control():
        lifecycle(hooks={kind: [Hook(members={"timeout": 10})]})
    made = bundle("waits", hooks={kind: [STUBBORN]})
    made.gate()

    before = time.monotonic()
    attempt(made)

    assert (survivors(), time.monotonic() - before >= 1) == ([], True)
    assert made.moments == [f"{kind} 1 begin"]


@clause("config.hooks.entry.timeout-aborts", "config.hooks.start-container.supported")
def test_runs_no_program_after_an_aborted_hook(bundle, lifecycle, attempt):
    with control():
        lifecycle(hooks={"startContainer": [Hook(members={"timeout": 10})]})
    made = bundle("logs", hooks={"startContainer": [STUBBORN]})
    made.gate()

    attempt(made)

    assert made.moments == ["startContainer 1 begin"]
