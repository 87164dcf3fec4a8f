"""JSON."""

import pytest

from harness import clause, control, generates_an_error, tolerates_an_error

TEXT = "2 größe, 3 日本語, 4 😀"
COMPARED = ["cwd", "uts", "caps", "rlimits", "no_new_privs", "umask", "oom_score_adj"]


def sort(document, *, reverse=False):
    """Put the members of every object in order of their names."""
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, dict | list):
            sort(value, reverse=reverse)
    if isinstance(document, dict):
        members = sorted(document.items(), reverse=reverse)
        document.clear()
        document.update(members)


def reverse(document):
    """Put the members of every object in the reverse order of their names."""
    sort(document, reverse=True)


@pytest.fixture
def rewritten(bundle):
    """A bundle whose config.json was rewritten by a function of its text."""

    def make(rewrite, **values):
        made = bundle("waits", **values)
        made.config.write_bytes(rewrite(made.config.read_text(encoding="utf-8")))
        return made

    return make


@clause("glossary.json.utf8")
def test_reads_utf_8(create):
    values = {"env": ["PATH=/bin", f"TEXT={TEXT}"], "annotations": {"org.example.text": TEXT}}
    container = create("base", program=["facts", f"say={TEXT}", "pause"], **values)

    facts = container.start().facts

    assert f"TEXT={TEXT}" in facts["env"]
    assert facts["argv"][3] == f"say={TEXT}"
    assert container.state().annotations["org.example.text"] == TEXT


@clause("glossary.json.utf8")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_refuses_other_encodings(create, rewritten, encoding):
    with control():
        create(rewritten(str.encode)).start().printed("ready")

    with generates_an_error():
        create(rewritten(lambda text: text.encode(encoding)))


@clause("glossary.json.utf8.invalid-bytes")
@pytest.mark.parametrize("bytes_", [b"\xff", b"\xc3(", b"\xed\xa0\x80"], ids=bytes.hex)
def test_may_accept_invalid_bytes(create, rewritten, record, bytes_):
    create("waits").start().printed("ready")
    values = {"env": ["PATH=/bin", "TEXT=(here)"]}
    made = rewritten(lambda text: text.encode().replace(b"(here)", bytes_), **values)
    env = "an error"

    with tolerates_an_error():
        env = create(made).start().facts["env"]

    record("environment", env)


@clause("glossary.json.no-duplicate-names")
def test_may_accept_a_name_that_is_given_twice(create, rewritten, record):
    create("waits").start().printed("ready")
    hostname = "an error"
    made = rewritten(lambda text: text.replace("{", '{"hostname": "first",', 1).encode())

    with tolerates_an_error():
        hostname = create(made).start().facts["uts"]["hostname"]

    record("hostname", hostname)


@clause("glossary.json.order-insignificant")
@pytest.mark.parametrize("order", [sort, reverse], ids=["sorted", "reversed"])
def test_gives_no_meaning_to_the_order_of_members(create, order):
    container = create("waits").start().printed("ready")
    mounts = container.process.mount_points

    other = create("waits", offence=order).start().printed("ready")

    assert [other.facts[name] for name in COMPARED] == [container.facts[name] for name in COMPARED]
    assert sorted(other.facts["env"]) == sorted(container.facts["env"])
    assert other.process.mount_points == mounts
