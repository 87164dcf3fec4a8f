"""No config.json makes create print a traceback, leave something behind or hide what is wrong.

Valid configurations are changed at places that the JSON Schema knows. `make test` tries some;
`REFERENCE_FUZZ=5000 pytest tests/reference_runtime/test_reference_fuzz.py` tries 5,000, and as many
with the real program.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from reference_runtime import (
    bpf,
    cgroup_v1,
    cgroup_v2,
    errors,
    jsonlite,
    mount_options,
    preparation,
    report,
    seccomp,
    validate,
)

CHECKED = int(os.environ.get("REFERENCE_FUZZ", "150"))
CREATED = int(os.environ.get("REFERENCE_FUZZ", "40"))
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "harness/schemas/config.schema.json").read_text(encoding="utf-8")
)
UNLIMITED = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MEGABYTES = 10_000_000


class Raw:
    """JSON text that json.dumps would not write."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Raw({self.text[:20]!r}, {len(self.text)} characters)"


class Often:
    """A value to stand in an array many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def repeated(self, item: object) -> Raw:
        """Return the items of the array, not more than 1 MB of them."""
        text = encode(item)
        return Raw(",".join([text] * min(self.times, 1 + MEGABYTES // 10 // (len(text) + 1))))

    def __repr__(self) -> str:
        return f"Often({self.times})"


MISSING = object()
TWICE = object()  # the member occurs twice
WRONG_TYPES: list[Any] = [None, True, 0, 1.5, "x", [], {}]
HOSTILE: list[Any] = [
    *WRONG_TYPES,
    MISSING, TWICE, Often(3), Often(3000),
    -1, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1,
    10**400, 1e308, Raw("1e999"), Raw("-0"), Raw("0.0"), Raw("1" * 5000), Raw("NaN"),
    Raw("Infinity"), Raw("-Infinity"), Raw("nul"), Raw("'x'"), Raw("01"), Raw("[1,]"),
    Raw("/*x*/1"),
    "", "\0", "a\0b", "\ud800", "x\udfffy", "é" * 64, "x" * 5000, "/x" * 2500,
    "x\n\r\x1b[31m\u2028",
    "..", "/", "//", "../../x", "/../x", "%s{}", "a=b", "a:b:c", "1.2.3", "0-1", "99999999999999",
    [None], [[]], [{}], ["x"] * 3, {"": ""}, {"x": None}, {"../x": "y"}, {"x": {"x": {}}},
    Raw("[" * 400 + "]" * 400), Raw('{"x":' * 400 + "1" + "}" * 400), Raw("[" * 100_000),
    Raw("[" * 100_000 + "]" * 100_000), Raw('{"x":' * 100_000 + "1" + "}" * 100_000),
]  # fmt: skip
STRING, PATH = "x" * MEGABYTES, "/x" * (MEGABYTES // 2)
NUMBERS = Raw("[" + "1," * (MEGABYTES // 2) + "1]")
STRINGS = Raw('["' + '","' * (MEGABYTES // 3) + '"]')

# A valid configuration with something in most places.
RICH: dict[str, Any] = json.loads(
    Path(__file__).with_name("rich_config.json").read_text(encoding="utf-8")
)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference of the schema."""
    while "$ref" in node:
        node = {
            **SCHEMA["$defs"][node["$ref"].rpartition("/")[2]],
            **{name: value for name, value in node.items() if name != "$ref"},
        }
    return node


def places(node: dict[str, Any], path: tuple[str | int, ...] = ()) -> dict[Any, Any]:
    """Return every place that the schema knows, with what it says there; 0 is an array's item."""
    node = resolve(node)
    found = {path: node} if path else {}
    for name, member in node.get("properties", {}).items():
        found |= places(member, (*path, name))
    if isinstance(node.get("items"), dict):
        found |= places(node["items"], (*path, 0))
    if isinstance(node.get("additionalProperties"), dict):
        found |= places(node["additionalProperties"], (*path, "k"))
    return found


PLACES = places(SCHEMA)


def names(node: dict[str, Any]) -> list[str]:
    """Return the values that the schema lists for a place, which belong to other ones too."""
    return list(node.get("enum", []))


MUTATIONS = st.sampled_from(list(PLACES)).flatmap(
    lambda place: st.tuples(st.just(place), st.sampled_from([*HOSTILE, *names(PLACES[place])]))
)


def change(config: Any, place: tuple[str | int, ...], value: object) -> None:
    """Put a value at a place, making what is missing on the way."""
    target = config
    for step, following in pairwise(place):
        fresh: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(target, list):
                return  # an earlier mutation is in the way
            if not target:
                target.append(fresh)
            target = target[0]
        elif isinstance(target, dict):
            target = target.setdefault(step, fresh)
        else:
            return
    last = place[-1]
    if isinstance(last, int) and isinstance(target, list):
        change_item(target, value)
    elif isinstance(last, str) and isinstance(target, dict):
        change_member(target, last, value)


def change_item(items: list[Any], value: object) -> None:
    """Change the first item of an array."""
    if isinstance(value, Often):
        items[:] = [value.repeated(items[0] if items else "x")]
    elif value is MISSING or value is TWICE:
        items[:] = items[: 0 if value is MISSING else 1] * 2
    else:
        items[:1] = [value]


def change_member(members: dict[str, Any], name: str, value: object) -> None:
    """Change a member of an object."""
    if value is MISSING:
        members.pop(name, None)
    elif value is TWICE:
        text = encode(members.get(name, 1))
        members[name] = Raw(f'{text}, "{name}": {text}')
    elif isinstance(value, Often):
        members[name] = [value.repeated(members.get(name, "x"))]
    else:
        members[name] = value


def encode(value: Any) -> str:
    """Serialise, raw text included."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(k)}:{encode(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(encode, value))}]"
    return json.dumps(value)


def mutated(config: dict[str, Any], mutations: list[Any]) -> bytes:
    """Return the text of a changed copy."""
    config = json.loads(json.dumps(config))
    for place, value in mutations:
        change(config, place, copy.deepcopy(value) if isinstance(value, list | dict) else value)
    return encode(config).encode("utf-8", "surrogatepass")


def problem_of(path: Path, document: bytes) -> str:
    """Read a document as create does, and all that is made of it alone; return what is wrong."""
    path.write_bytes(document)
    try:
        config = preparation.read_configuration(str(path))
    except errors.OperationError as error:
        return str(error)
    linux = config.get("linux", {})
    wanted = linux.get("resources", {})
    for function, argument in (
        (cgroup_v1.settings, wanted),
        (cgroup_v1.device_settings, wanted.get("devices", [])),
        (cgroup_v2.settings, wanted),
        (bpf.assemble, wanted.get("devices", [])),
    ):
        with contextlib.suppress(errors.OperationError):  # of the other version of cgroups
            function(argument)
    try:
        for entry in config.get("mounts", []):
            mount_options.Options(entry.get("options", []))
        if linux.get("seccomp"):
            seccomp.compile_filter(linux["seccomp"], "linux.seccomp")
    except errors.OperationError as error:
        return str(error)
    return ""


TOP = "|".join(SCHEMA["properties"])
NAMES_A_PROPERTY = re.compile(rf"(({TOP})([.\[][^:]*)?|config\.json|\S*/config\.json)(: | \()")


def is_clear(problem: str) -> bool:
    """Say whether a message begins with the path of a property, or says what is no JSON."""
    return bool(NAMES_A_PROPERTY.match(problem))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "config.json"


def test_the_configuration_that_is_changed_is_valid(path):
    assert problem_of(path, mutated(RICH, [])) == ""


@settings(UNLIMITED, max_examples=CHECKED)
@given(st.lists(MUTATIONS, min_size=1, max_size=3))
def test_a_changed_configuration_is_valid_or_the_error_names_the_property(path, mutations):
    problem = problem_of(path, mutated(RICH, mutations))

    assert not problem or is_clear(problem)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("process", "cwd"), PATH), (("process", "args"), STRINGS),
        (("process", "env", 0), STRING), (("mounts", 0, "destination"), PATH),
        (("linux", "cgroupsPath"), PATH), (("linux", "maskedPaths"), STRINGS),
        (("linux", "unknown"), NUMBERS), (("process", "user", "additionalGids"), NUMBERS),
        (("linux", "resources", "pids", "limit"), STRING), (("annotations", "k"), STRING),
        (("linux", "seccomp", "syscalls", 0, "action"), STRING),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_huge_configuration_is_valid_or_the_error_names_the_property(path, place, value):
    problem = problem_of(path, mutated(RICH, [(place, value)]))

    assert not problem or is_clear(problem)
    assert len(problem) < 1000


def text_of(place: tuple[str | int, ...]) -> str:
    """Write a place as error messages do."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")


def stands_in_rich(place: tuple[str | int, ...]) -> bool:
    target: Any = RICH
    for step in (*place[:-1], *(["k"] if place[-1] == "k" else [])):
        if isinstance(step, int) != isinstance(target, list) or not target:
            return False
        if isinstance(step, str) and step not in target:
            return False
        target = target[step]
    return True


KINDS = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


def kinds(node: dict[str, Any]) -> set[str]:
    """Return the types that the schema allows at a place."""
    listed = {KINDS[type(value)] for value in node.get("enum", [])}
    return listed or {node.get("type", "string")}


@pytest.mark.parametrize("place", [p for p in PLACES if stands_in_rich(p)], ids=text_of)
def test_a_value_of_the_wrong_type_is_named(path, place):
    for value in WRONG_TYPES:
        if KINDS.get(type(value), "") not in kinds(PLACES[place]):
            problem = problem_of(path, mutated(RICH, [(place, value)]))
            assert problem.startswith(text_of(place)), value


@pytest.fixture
def create(runtime, config, make_bundle, cgroups, mount_namespace):
    """Run the create program on a document, delete what it creates, look for what it leaves."""
    bundle = make_bundle(config)
    mountinfo = Path(f"/proc/{mount_namespace}/mountinfo")
    identifier = runtime.new_id()

    def run(document: bytes) -> None:
        (bundle / "config.json").write_bytes(document)
        result = runtime("create", "--bundle", str(bundle), identifier)
        assert result.status in {0, 1}
        lines = [s for s in result.stderr.splitlines() if "runtime: warning: " not in s]
        assert len(lines) == result.status, result.stderr
        if result.ok:
            assert runtime("delete", "--force", identifier).ok
        else:
            assert is_clear(lines[0].removeprefix(f"{report.NAME}: ")), lines[0]
        assert list(runtime.root.glob("*")) == []
        assert cgroups() == []
        assert str(bundle) not in mountinfo.read_text()

    return run


def is_harmless(config: dict[str, Any], document: bytes) -> bool:
    """Say whether create refuses it before it does anything, or is told nothing of the host."""
    try:
        changed = jsonlite.loads(document)
        validate.configuration(changed)
    except (errors.OperationError, ValueError, RecursionError):
        return True
    linux = changed.get("linux", {})
    sources = [mount.get("source") for mount in changed.get("mounts", [])]
    return (
        changed["root"]["path"] == config["root"]["path"]
        and not changed.get("hooks")
        and not linux.get("netDevices")
        and all(linux.get(n) == config["linux"][n] for n in ("namespaces", "cgroupsPath"))
        and all(source in {None, "proc", "tmpfs"} for source in sources)
    )


def test_a_changed_configuration_is_created_or_refused_without_a_trace(create, config):
    runnable = {
        **{name: RICH[name] for name in ("hostname", "domainname", "annotations")},
        **config,
        "process": {**RICH["process"], "scheduler": {"policy": "SCHED_OTHER"}},
        "linux": {
            **{n: RICH["linux"][n] for n in ("devices", "sysctl", "maskedPaths", "seccomp")},
            "resources": {n: RICH["linux"]["resources"][n] for n in ("pids", "devices", "cpu")},
            **config["linux"],
        },
    }
    created = 0

    @settings(UNLIMITED, max_examples=CREATED)
    @given(st.lists(MUTATIONS, max_size=2))
    @example([])
    @example([(("process", "cwd"), "/x" * 2000)])
    @example([(("linux", "seccomp", "unknown"), Raw("[" * 900 + "]" * 900))])
    def fuzz(mutations):
        nonlocal created
        document = mutated(runnable, mutations)
        if is_harmless(config, document):
            note(f"{len(document)} bytes: {document[:2000]!r} ... {document[-2000:]!r}")
            create(document)
            created += 1

    fuzz()

    assert created > CREATED / 2
