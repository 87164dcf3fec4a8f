"""The process that exec is to execute: of --process FILE, or a command in the container's ways.

What neither the file nor the options say of capabilities, limits and labels is as in config.json.
"""

from __future__ import annotations

from reference_runtime import errors, jsonlite, validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
    from reference_runtime.model import Json

_AS_IN_CONFIG = ("capabilities", "rlimits", "apparmorProfile", "selinuxLabel")
_GIVEN_BY_CAP = ("bounding", "permitted", "effective")


def describe(target: Container, arguments: Arguments) -> Json:
    """Return what config.md#process describes."""
    configured: Json = target.record.get("process", {})
    if bool(arguments.process) == bool(arguments.words):
        message = "exec needs either --process FILE or a command"
        raise errors.OperationError(message)
    if arguments.process:
        wanted = read(arguments.process)
        for name in _AS_IN_CONFIG:
            if name in configured:
                wanted.setdefault(name, configured[name])
    elif not configured:
        message = "exec of a command needs a container whose configuration has a process"
        raise errors.OperationError(message)
    else:
        wanted = {**configured, "args": arguments.words}
    change(wanted, arguments)
    validate.PROCESS(wanted, "process")
    return wanted


def read(path: str) -> Json:
    """Read and check the file of --process."""
    try:
        with open(path, "rb") as file:
            wanted: Json = jsonlite.loads(file.read())
    except (OSError, ValueError, RecursionError) as error:
        message = f"--process {path}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    validate.PROCESS(wanted, "process")
    return wanted


def change(process: Json, arguments: Arguments) -> None:
    """Do what the options say."""
    if arguments.tty:
        process["terminal"] = True
    if arguments.no_new_privs:
        process["noNewPrivileges"] = True
    for name, value in (
        ("cwd", arguments.cwd),
        ("apparmorProfile", arguments.apparmor),
        ("selinuxLabel", arguments.process_label),
    ):
        if value:
            process[name] = value
    if arguments.env:
        names = {entry.partition("=")[0] for entry in arguments.env}
        kept = [e for e in process.get("env", []) if e.partition("=")[0] not in names]
        process["env"] = kept + arguments.env
    if arguments.user or arguments.additional_gids:
        process["user"] = changed_user(process["user"], arguments)
    if arguments.cap:
        sets = process.get("capabilities", {})
        more = {name: [*sets.get(name, []), *arguments.cap] for name in _GIVEN_BY_CAP}
        process["capabilities"] = {**sets, **more}


def changed_user(user: Json, arguments: Arguments) -> Json:
    """Return the user with the IDs of --user UID[:GID] and --additional-gids."""
    changed = dict(user)
    if arguments.user:
        ids = arguments.user.split(":")
        if len(ids) > 2 or not all(text.isascii() and text.isdigit() for text in ids):  # noqa: PLR2004
            message = f"--user: {arguments.user!r} is not of the form UID or UID:GID"
            raise errors.OperationError(message)
        changed.update(zip(("uid", "gid"), map(int, ids), strict=False))
    if arguments.additional_gids:
        changed["additionalGids"] = [*user.get("additionalGids", []), *arguments.additional_gids]
    return changed
