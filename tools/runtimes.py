"""Build newer runtimes than distributions have, pinned, into ``CACHE/bin``: what we test against.

Each comes from its language's registry by the ordinary client. A build that exists is kept; one
that fails is said and does not stop the others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pinned:
    """A runtime at one version. ``{root}`` in words and environment is a folder of its own."""

    name: str
    needs: str
    words: tuple[str, ...]
    environment: dict[str, str]
    program: str
    """Where the build leaves it, below ``{root}``."""
    wants: str
    """Debian packages without which it does not build."""


RUNTIMES = (
    Pinned(
        name="runc-1.5.1",
        needs="go",
        words=("go", "install", "-tags", "seccomp", "github.com/opencontainers/runc@v1.5.1"),
        environment={"GOBIN": "{root}/bin", "GOFLAGS": "-mod=mod"},
        program="bin/runc",
        wants="libseccomp-dev pkg-config",
    ),
    Pinned(
        name="youki-0.7.0",
        needs="cargo",
        # It has no default features: without `v2` it refuses every container there.
        words=(
            "cargo", "install", "youki", "--version", "0.7.0", "--locked",
            "--features", "systemd,v1,v2,cgroupsv2_devices,seccomp", "--root", "{root}",
        ),
        environment={},
        program="bin/youki",
        wants="libseccomp-dev libelf-dev libclang-dev pkg-config",
    ),
)  # fmt: skip


def build(runtime: Pinned, cache: Path) -> str:
    """Build one; return a line about it."""
    target = cache / "bin" / runtime.name
    if target.exists():
        return f"{runtime.name}: {target}"
    if shutil.which(runtime.needs) is None:
        return f"{runtime.name}: not built, {runtime.needs} is not installed"
    root = cache / "build" / runtime.name
    root.mkdir(parents=True, exist_ok=True)
    (cache / "bin").mkdir(exist_ok=True)
    words = [word.replace("{root}", str(root)) for word in runtime.words]
    added = {k: v.replace("{root}", str(root)) for k, v in runtime.environment.items()}
    done = subprocess.run(
        words, env={**os.environ, **added}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        tail = " | ".join(done.stderr.strip().splitlines()[-3:])
        return f"{runtime.name}: not built ({tail}); Debian packages that it wants: {runtime.wants}"
    shutil.copy2(root / runtime.program, target.with_suffix(".new"))
    target.with_suffix(".new").replace(target)
    return f"{runtime.name}: {target}"


def packages() -> None:
    """Install what the builds want, where that is allowed: under CI=true, never removing any."""
    if os.environ.get("CI") != "true" or shutil.which("apt-get") is None:
        return
    wanted = sorted({name for runtime in RUNTIMES for name in runtime.wants.split()})
    options = ["install", "-qq", "--yes", "--no-install-recommends", "--no-remove"]
    subprocess.run(["apt-get", *options, *wanted], check=False)


def main() -> int:
    """Build all; exit status 1 if one could not be built."""
    cache = Path(sys.argv[1])
    if any(not (cache / "bin" / r.name).exists() for r in RUNTIMES):
        packages()
    lines = [build(runtime, cache) for runtime in RUNTIMES]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if any("not built" in line for line in lines) else 0


if __name__ == "__main__":
    raise SystemExit(main())
