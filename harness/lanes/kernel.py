"""Kernels for guests: Debian's packages, downloaded and unpacked in the cache, never installed."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door
from harness.cache import user_cache
from harness.faults import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

MODULES = (
    *("virtio_pci", "virtio_blk", "virtio_rng", "9pnet_virtio", "9p"),
    *("crc32c_generic", "ext4", "overlay", "loop", "bfq"),
    *("nf_tables", "veth", "dummy", "bridge", "tun", "fuse"),
    # An RDMA device in software; its checksums are of a module that no other names.
    *("ib_core", "ib_uverbs", "crc32_generic", "crc32_pclmul", "udp_tunnel", "ip6_udp_tunnel"),
    "rdma_rxe",
)
"""What cases need beyond what is built in; a module that a kernel does not have is built in."""

DOWNLOAD_SECONDS = 600.0


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package."""

    image: Path
    modules: dict[str, Path]
    """Modules by name, with underscores."""

    @property
    def release(self) -> str:
        """As ``uname -r`` will print it."""
        return self.image.name.removeprefix("vmlinuz-")


def find(package: str) -> Kernel:
    """Return the kernel of a package, downloaded if need be; UsageError if it cannot be had."""
    directory = user_cache("lanes") / package
    if not directory.exists():
        _download(package, directory)
    image = next(directory.glob("boot/vmlinuz-*"), None)
    if image is None:
        raise UsageError(f"{directory}: no kernel in it; remove it, to have it downloaded again")
    modules = {
        file.name.partition(".ko")[0].replace("-", "_"): file for file in directory.rglob("*.ko*")
    }
    return Kernel(image, modules)


def _download(package: str, directory: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        message = f"no apt-get here to fetch the kernel: unpack {package} of Debian in {directory}"
        raise UsageError(message)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".download-") as place:
        _apt("download", _real(package), place)
        unpacked = Path(place) / "unpacked"
        file = next(Path(place).glob("*.deb"))
        door.output(["dpkg-deb", "-x", str(file), str(unpacked)], DOWNLOAD_SECONDS)
        os.replace(unpacked, directory)  # noqa: PTH105 - of a directory, to where none is


def _real(package: str) -> str:
    """Return the package that a name without a release stands for."""
    said = door.tool(["apt-cache", "depends", package])
    found = re.search(r"Depends: (linux-image-\S+)", said.stdout)
    return found[1] if found else package


def _apt(verb: str, package: str, place: str) -> None:
    # As root apt-get would download as _apt, who cannot write here, and says so.
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", verb, package]
    said = door.tool(["env", "--chdir", place, *command], DOWNLOAD_SECONDS)
    if said.exit_status:
        reason = (said.stderr.strip() or said.stdout.strip()).partition("\n")[0]
        raise UsageError(f"the kernel {package} cannot be downloaded ({reason}); apt-get update")


def load_order(modules: dict[str, Path], wanted: Iterable[str]) -> dict[str, bytes]:
    """Return the wanted modules after those that they depend on, uncompressed, by name.

    A module says what it needs in its section .modinfo: ``depends=nfnetlink,libcrc32c``.
    """
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        file = modules.get(name.replace("-", "_"))
        if file is None or name in found:
            return
        data = file.read_bytes()
        data = lzma.decompress(data) if file.suffix == ".xz" else data
        depends = re.search(rb"(?:^|\0)depends=([^\0]*)\0", data)
        for needed in filter(None, depends[1].decode().split(",") if depends else []):
            add(needed.replace("-", "_"))
        found[name] = data

    for name in wanted:
        add(name)
    return found
