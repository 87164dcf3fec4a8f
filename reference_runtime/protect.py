"""Keep the host's interpreter out of the container's reach (CVE-2019-5736).

Until the program is executed, init is this interpreter: a program `#!/proc/self/exe` in the
container would be the host's file, open to be written by the container's root. So create runs
from a detached, read-only copy of the mount that the interpreter lies on.
"""

from __future__ import annotations

import os
import sys

from reference_runtime import report, syscalls

_SELF = "/proc/self/exe"


def is_protected() -> bool:
    """Say whether the executable of this process is on a read-only mount."""
    return bool(os.statvfs(_SELF).f_flag & os.ST_RDONLY)


def run_from_readonly_mount() -> None:
    """Execute this very command again, from a read-only mount that only this process has."""
    if is_protected():
        return
    try:
        tree = syscalls.open_tree(syscalls.AT_FDCWD, _SELF, syscalls.OPEN_TREE_CLONE)
        syscalls.mount_setattr(tree, 0, attr_set=syscalls.MOUNT_ATTR_RDONLY)
    except OSError as error:
        report.warning(f"cannot protect the host's interpreter: {error.strerror}")
        return
    os.execv(f"/proc/self/fd/{tree}", sys.orig_argv)  # noqa: S606 (no shell is wanted)
