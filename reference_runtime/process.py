"""The container process: its user, its directory, its program (config.md#process)."""

from __future__ import annotations

import os

from reference_runtime import capabilities, environment, errors, rlimits, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_DEFAULT_PATH = "/bin:/usr/bin"  # confstr(_CS_PATH): what execvp(3) searches without a PATH


def check_program(creation: Creation) -> None:
    """Find args[0] now: engines expect create, not start, to say that it is missing."""
    name = creation.process["args"][0]
    problem = ""
    for candidate in candidates(creation.process):
        path = os.path.join(creation.process["cwd"], candidate)
        if os.path.isdir(path):
            # execve(2) gives EACCES; engines tell their users by these words
            problem = f'exec: "{name}": permission denied: is a directory'
        elif not os.path.exists(path):
            problem = problem or (
                f'exec: "{name}": stat {name}: no such file or directory'
                if "/" in name
                else f'exec: "{name}": executable file not found in $PATH'
            )
        elif not os.access(path, os.X_OK):
            problem = f'exec: "{name}": permission denied'
        else:
            return
    message = f"process.args[0]: {problem}"
    raise errors.OperationError(message)


def candidates(process: Json) -> list[str]:
    """Return the paths that execvp(3) would try for args[0]."""
    name = process["args"][0]
    if "/" in name:
        return [name]
    variables = environment.Environment(process.get("env", []))
    path = variables["PATH"] if "PATH" in variables.keys() else _DEFAULT_PATH  # noqa: SIM118
    return [os.path.join(directory or ".", name) for directory in path.split(":")]


def prepare_directory(creation: Creation) -> None:
    """Make process.cwd where it is missing, as it cannot be the working directory otherwise."""
    cwd = creation.process["cwd"]
    try:
        os.makedirs(cwd, 0o755, exist_ok=True)
        os.chdir(cwd)
    except (OSError, RecursionError) as error:  # makedirs calls itself for each directory
        message = f"process.cwd: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    refuse_unreachable_directory()
    os.chdir("/")


def refuse_unreachable_directory() -> None:
    """Refuse a working directory outside the root, as a leaked descriptor would give."""
    try:
        inside = os.getcwd().startswith("/")
    except OSError:
        inside = False
    if not inside:
        message = "process.cwd: it lies outside the container's root"
        raise errors.OperationError(message)


def set_oom_score(creation: Creation) -> None:
    """Set init's oom_score_adj from the runtime; unset means unchanged (proc(5))."""
    if not creation.is_rootless:
        _write_oom_score(creation, str(creation.init_pid))


def pass_on_oom_score(creation: Creation) -> None:
    """Set it as an ordinary user, whom an undumpable init's files do not belong to.

    It is the runtime's own that is set, for the forked to inherit: everybody may raise it.
    """
    if creation.is_rootless:
        _write_oom_score(creation, "self")


def _write_oom_score(creation: Creation, process: str) -> None:
    if "oomScoreAdj" not in creation.process:
        return
    with creation.naming("process.oomScoreAdj"):
        fd = os.open(f"/proc/{process}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, str(creation.process["oomScoreAdj"]).encode())
        finally:
            os.close(fd)


def become_user(creation: Creation) -> None:
    """Take limits, groups, user and capabilities, in the order that the kernel's rules leave."""
    process, masks = creation.process, creation.capabilities
    user = process.get("user", {})
    rlimits.apply(process)
    if process.get("noNewPrivileges"):
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    capabilities.set_inheritable(masks)
    capabilities.drop_bounding(masks)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    set_groups(user.get("additionalGids", []))
    with creation.naming("process.user"):
        os.setresgid(*[user.get("gid", 0)] * 3)
        os.setresuid(*[user.get("uid", 0)] * 3)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 0)
    # Without noNewPrivileges only CAP_SYS_ADMIN may load a filter (seccomp(2)).
    loads_filter = creation.seccomp is not None and not process.get("noNewPrivileges")
    capabilities.set_final(masks, capabilities.mask("SYS_ADMIN") if loads_filter else 0)
    os.umask(user.get("umask", creation.umask))


def set_groups(gids: list[int]) -> None:
    """Set the supplementary groups; where setgroups(2) is denied there are none to leave."""
    try:
        os.setgroups(gids)
    except OSError as error:
        if gids:
            message = f"process.user.additionalGids: {errors.reason(error)}"
            raise errors.OperationError(message) from None


def enter_directory(creation: Creation) -> None:
    """Change to process.cwd, as the user that the program runs as."""
    try:
        os.chdir(creation.process["cwd"])
    except OSError as error:
        message = f"process.cwd: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    refuse_unreachable_directory()
