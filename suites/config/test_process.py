"""Process: the whole, its working directory, its environment and its arguments."""

import pytest

from harness import Status, clause, control, generates_an_error, tolerates_an_error

ENV = ["PATH=/b:/a", "A=b=c", "EMPTY=", "SPACE= x ", "UMLAUT=äöü", 'QUOTE="\\', "LINE=1\n2"]

ARGS = ["/probe", "", "two words", "'quo\"te\\", "1\n2", "*", "$PATH", "äöü", "-x", ""]

FILES = pytest.mark.parametrize(
    ("file", "cwd", "executed"),
    [
        ("tool", "/", "/b/tool"),
        ("./tool", "/a", "/a/tool"),
        ("a/tool", "/", "/a/tool"),
        ("/a/tool", "/b", "/a/tool"),
    ],
)

UNFIT = ["/missing", "missing", "/plain", "/etc"]


@pytest.fixture
def program_in(bundle):
    """Make a bundle whose program runs in ``cwd``, where it looks for the file marker."""

    def make(cwd):
        words = ["facts", "open=r:marker", "say=ready", "pause"]
        made = bundle("program", process={"cwd": cwd}, words=words)
        made.inside(cwd).mkdir(parents=True, exist_ok=True)
        made.inside(f"{cwd}/marker").touch()
        return made

    return make


@pytest.fixture
def tools(bundle):
    """Make a bundle with a program at /a/tool and at /b/tool, and a file that is none."""

    def make(file, cwd="/"):
        made = bundle("args", args=[file], cwd=cwd)
        made.plant(made.inside("/a/tool"))
        made.plant(made.inside("/b/tool"))
        made.inside("/plain").write_text("no program")
        return made

    return make


@clause("config.process.optional-at-create")
def test_may_create_a_container_without_a_process(create, shared, record):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", offence={"process": None})

    record("create without a process refused", outcome.refused)
    assert outcome.refused or container.status() == Status.CREATED


@clause("config.process.required-at-start")
def test_does_not_start_a_container_without_a_process(bundle, create, shared, runtime, new_id):
    shared("program").printed("ready")
    id_, made = new_id(), bundle("program", offence={"process": None})
    with tolerates_an_error():
        create(made, id=id_)

    with generates_an_error():
        runtime.start(id_)


@clause("config.process.cwd.set")
@pytest.mark.parametrize("cwd", ["/some/where", "/mnt"])
def test_runs_the_program_in_cwd(create, program_in, cwd):
    container = create(program_in(cwd)).start()

    seen = container.facts["cwd"], container.tried("marker")["errno"]

    assert seen == (cwd, 0)


@clause("config.process.cwd.absolute")
@pytest.mark.parametrize("cwd", ["tmp", ".", "./tmp"])
def test_refuses_a_relative_cwd(create, shared, cwd):
    shared("program").printed("ready")

    with generates_an_error():
        create("program", offence={"process": {"cwd": cwd}}).start()


@clause("config.process.cwd.required")
@pytest.mark.parametrize("cwd", [None, ""], ids=["absent", "empty"])
def test_may_take_the_root_for_an_absent_cwd(create, shared, record, cwd):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", offence={"process": {"cwd": cwd}}).start()

    record("refused", outcome.refused)
    assert outcome.refused or container.facts["cwd"] == "/"


@clause("config.process.cwd.nonexistent")
@pytest.mark.parametrize("cwd", ["/no/such", "/probe"])
def test_runs_the_program_nowhere_but_in_cwd(create, shared, cwd):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", process={"cwd": cwd}).start()

    assert outcome.refused or container.facts["cwd"] == cwd


@clause("config.process.cwd.inside-container")
@pytest.mark.parametrize("number", range(3, 16))
def test_takes_no_descriptor_for_a_cwd_outside_the_root(create, shared, number):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", process={"cwd": f"/proc/self/fd/{number}"}).start()

    # getcwd(2) has "(unreachable)" before what is not below the root.
    assert outcome.refused or container.facts["cwd"].startswith("/")


@clause("config.process.cwd.inside-container")
def test_resolves_cwd_in_the_root(create, program_in, shared, foreign_directory):
    shared("program").printed("ready")
    made = program_in("/link")
    made.inside("/link").rename(made.inside("/directory"))
    made.inside("/link").symlink_to(foreign_directory)
    (foreign_directory / "marker").touch()

    with tolerates_an_error() as outcome:
        container = create(made).start()

    assert outcome.refused or container.tried("marker")["errno"] == 2


@clause("config.process.env.exact")
@pytest.mark.parametrize("env", [ENV, [], None], ids=["env", "empty", "absent"])
def test_gives_the_program_its_own_environment(create, record, env):
    container = create("program", offence={"process": {"env": env}}).start()

    seen, wanted = container.facts["env"], env or []

    record("added", sorted(set(seen) - set(wanted)))
    assert [entry for entry in wanted if seen.count(entry) != 1] == []
    assert [entry for entry in seen if entry.startswith("CONFORMANCE_CALLER")] == []


@clause("config.process.env.semantics")
def test_passes_each_variable_byte_by_byte(create):
    wanted = [*ENV, f"LONG={'x' * 100_000}"]
    container = create("program", process={"env": wanted}).start()

    assert set(wanted) <= set(container.facts["env"])


@clause("config.process.env.semantics")
@pytest.mark.parametrize("env", [["NO_VALUE"], ["A=1", "A=2"]], ids=["no-value", "twice"])
def test_may_take_an_environment_without_a_meaning(create, shared, record, env):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", process={"env": env}).start()

    record("environment", "refused" if outcome.refused else container.facts["env"])


@clause("config.process.args.argv")
@pytest.mark.parametrize("args", [ARGS, ["/probe"]], ids=["many", "one"])
def test_passes_the_args_one_by_one(create, args):
    container = create("args", args=args).start()

    assert container.facts["argv"] == args


@clause("config.process.args.at-least-one")
@pytest.mark.parametrize("args", [None, []], ids=["absent", "empty"])
def test_refuses_a_process_without_args(create, args):
    with control():
        create("args").start().printed("ready")

    with generates_an_error():
        create("args", offence={"process": {"args": args}}).start()


@clause("config.process.args.execvp-file")
@FILES
def test_finds_the_program_as_execvp_does(create, tools, file, cwd, executed):
    container = create(tools(file, cwd)).start()

    assert container.facts["exe"] == executed


@clause("config.process.args.argv0-kept")
@FILES
def test_keeps_the_first_argument_as_it_is_written(create, tools, file, cwd, executed):
    container = create(tools(file, cwd)).start()

    assert (container.facts["exe"], container.facts["argv"]) == (executed, [file])


@clause("config.process.args.not-found-errors")
@pytest.mark.parametrize("file", UNFIT)
def test_refuses_a_program_that_cannot_be_executed(create, tools, file):
    with control():
        create(tools("/a/tool")).start().printed("ready")

    with generates_an_error():
        create(tools(file)).start()
