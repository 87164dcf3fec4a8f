"""How the probe is built: once per source, flags and compiler, with the C compiler of the host."""

import hashlib
import os
import platform
import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import door
from harness.cache import user_cache
from harness.faults import ProbeError

__all__ = ["ProbeError", "build"]

HERE = Path(__file__).parent
SOURCE = HERE / "probe.c"

FLAGS = (
    "-std=gnu11",
    "-Os",
    "-Wall",
    "-Wextra",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-pie",
    "-no-pie",
    "-static",
    "-nostdlib",
    "-s",
    "-Wl,--build-id=none",
    "-Wl,-z,noexecstack",
    "-Wl,-z,noseparate-code",
)

FIRST_LINES = 5

Run = Callable[[list[str]], door.Said]


def build(cache: Path | None = None, cc: str | None = None, *, run: Run = door.tool) -> Path:
    """Return the path of the probe's executable, compiling it where the cache has none.

    The cache is `$XDG_CACHE_HOME/oci-conformance` or `~/.cache/oci-conformance`; the compiler is
    `cc`, else `$CC`, else `cc`, and may carry options of its own (`ccache gcc`). The file is put
    in place by rename(2), so several processes may build at once. `run` starts the compiler.

    Raises `ProbeError` when there is no compiler, when it fails (with its first lines), or when
    the cache cannot be written.
    """
    compiler = _compiler(cc or os.environ.get("CC") or "cc")
    try:
        folder = cache or user_cache()
        probe = folder / f"probe-{_key(compiler)}"
        if not probe.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _compile(compiler, probe, run)
    except OSError as error:
        message = f"the probe cannot be built: {error}; set XDG_CACHE_HOME or pass --probe PATH"
        raise ProbeError(message) from error
    return probe


def _compiler(command: str) -> tuple[str, ...]:
    name, *options = shlex.split(command) or ["cc"]
    path = shutil.which(name)
    if path is None:
        message = (
            f"no C compiler {name!r}: install one (Debian: apt install gcc libc6-dev)"
            " or pass --probe PATH"
        )
        raise ProbeError(message)
    return (path, *options)


def _key(compiler: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for source in sorted(HERE.glob("*.[ch]")):
        content = source.read_bytes()
        digest.update(f"{source.name} {len(content)}\n".encode())
        digest.update(content)
    # One home directory may serve machines of several kinds, with the same path of the compiler.
    digest.update("\0".join((*compiler, *FLAGS, platform.machine())).encode(errors="replace"))
    return digest.hexdigest()[:16]


def _compile(compiler: tuple[str, ...], probe: Path, run: Run) -> None:
    with tempfile.TemporaryDirectory(prefix="probe-", dir=probe.parent) as folder:
        made = Path(folder) / "probe"
        argv = [*compiler, *FLAGS, str(SOURCE), "-o", str(made)]
        done = run(argv)
        if done.exit_status != 0:
            said = "\n".join(done.stderr.splitlines()[:FIRST_LINES])
            message = (
                f"{shlex.join(compiler)} cannot build the probe (or pass --probe PATH):\n{said}"
            )
            raise ProbeError(message)
        made.chmod(0o755)
        made.replace(probe)


if __name__ == "__main__":
    print(build())  # noqa: T201 - make setup shows where it is
