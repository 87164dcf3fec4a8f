"""What each operation loads: an import is what most of its time goes into."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference_runtime import init, joining, op_create, stage

PACKAGE = Path(__file__).parents[2] / "reference_runtime"

# Everything written in Python that an operation may load from the standard library.
ALLOWED = {
    "__future__",
    "__main__",
    "_collections_abc",
    "abc",
    "genericpath",
    "os",
    "os.path",
    "posixpath",
    "stat",
}

SPY = """\
import os, sys
leave = os._exit
def spy(status):
    names = [n for n, m in list(sys.modules.items()) if getattr(m, "__file__", "")]
    with open(f"{directory}/{{os.getpid()}}", "w") as file:
        file.write(repr(names))
    leave(status)
os._exit = spy
cli.main()
"""


def loaded(runtime, launcher, directory, *words: str) -> set[str]:
    spy = directory / "spy"
    text = launcher.read_text().replace("cli.main()\n", SPY.format(directory=directory))
    spy.write_text(text)
    spy.chmod(0o755)
    runtime.launcher = spy
    process = runtime.start_process(*words)
    process.wait()
    runtime.launcher = launcher
    return set(ast.literal_eval((directory / str(process.pid)).read_text()))


def test_each_operation_loads_little(runtime, config, make_bundle, launcher, tmp_path):
    bundle = make_bundle(config)
    identifier = runtime.new_id()
    allowed = ALLOWED | started_with()
    for words in (
        ("features",),
        ("create", "-b", str(bundle), identifier),
        ("state", identifier),
        ("start", identifier),
        ("kill", identifier, "KILL"),
        ("delete", "--force", identifier),
    ):
        modules = loaded(runtime, launcher, tmp_path, *words)
        ours = {name for name in modules if name.startswith("reference_runtime")}
        extensions = {name for name in modules if is_extension(name)}
        assert modules - ours - extensions <= allowed, words[0]
        if words[0] in {"state", "kill", "delete"}:
            assert "reference_runtime.ffi" not in ours
        if words[0] != "create":
            assert "reference_runtime.validate" not in ours


def started_with() -> set[str]:
    """What the interpreter itself loads."""
    code = "import sys; print([n for n, m in sys.modules.items() if getattr(m, '__file__', '')])"
    command = [sys.executable, "-IS", "-c", code]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return set(ast.literal_eval(output))


def is_extension(name: str) -> bool:
    return name in {
        "_ctypes", "_json", "_posixsubprocess", "_socket", "_struct", "fcntl", "resource", "select",
        "termios",
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_own_modules_are_called_by_module_and_function(path):
    """A mutant replaces module.function from outside; a name that was imported it cannot reach."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "reference_runtime."
        ):
            names = {alias.name for alias in node.names}
            assert all(name[0].isupper() for name in names), names


def test_every_step_is_in_one_list_at_module_level():
    """A mutant drops, reorders or wraps entries: a step outside the lists it cannot reach."""
    lists = [
        *op_create.STEPS, *stage.STEPS, *init.ENVIRONMENT, *init.ROOT, *init.PROGRAM,
        *joining.JOINING, *joining.PROGRAM,
    ]  # fmt: skip
    classes = {
        f"{path.stem}.{node.name}"
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and "steps.Step" in map(ast.unparse, node.bases)
    }

    listed = {f"{type(step).__module__.partition('.')[2]}.{type(step).__name__}" for step in lists}

    assert listed == classes


def test_the_container_cannot_have_its_modules_imported(runtime, config, make_bundle):
    """Plant modules where the importer would look after pivot_root."""
    bundle = make_bundle(config)
    rootfs = bundle / "rootfs"
    places = [Path(entry) for entry in sys.path if entry.startswith("/")]
    for place in [*places, PACKAGE, PACKAGE.parent]:
        inside = rootfs / str(place).lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        for name in ("traceback", "json", "signal", "resource", "enum", "codecs", "errors"):
            (inside / f"{name}.py").write_text("open('/planted', 'w')\n")
    identifier = runtime.create(bundle)
    assert runtime("start", identifier).ok
    runtime.stop(identifier)
    config["process"]["args"] = ["/no/such"]
    (bundle / "config.json").write_text(json.dumps(config))
    config["linux"]["cgroupsPath"] += "x"

    assert not runtime("create", "-b", str(bundle), runtime.new_id()).ok

    assert not (rootfs / "planted").exists()


def test_init_runs_from_a_readonly_mount(runtime, config, make_bundle):
    """CVE-2019-5736: what /proc/self/exe leads to must not be the host's file, to be written."""
    identifier = runtime.create(make_bundle(config))

    executable = f"/proc/{runtime.state(identifier)['pid']}/exe"

    assert os.statvfs(executable).f_flag & os.ST_RDONLY
