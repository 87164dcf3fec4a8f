"""The words of the command line, as engines speak them to every OCI runtime.

Parsed by hand: argparse costs 10 ms, more than most operations take. Options are given as
`--name value` or `--name=value`, before or after the container's ID.
"""

from __future__ import annotations

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Arguments:
    """What the command line said; each option is an attribute."""

    operation = ""
    root = ""  # privileges.py says where the state then is
    log = ""
    log_format = "text"
    debug = False
    version = False
    help = False
    systemd_cgroup = False
    cgroup_manager = "cgroupfs"
    id = ""
    bundle = "."
    pid_file = ""
    console_socket = ""
    pidfd_socket = ""
    preserve_fds = 0
    no_pivot = False
    no_new_keyring = False
    plan = False
    force = False
    signal = ""
    all = False
    format = ""
    quiet = False
    rootless = False
    process = ""
    detach = False
    keep = False
    tty = False
    cwd = ""
    env: list[str] = []  # noqa: RUF012 (replaced, never changed)
    user = ""
    additional_gids: list[int] = []  # noqa: RUF012
    cap: list[str] = []  # noqa: RUF012
    no_new_privs = False
    apparmor = ""
    process_label = ""
    resources = ""
    words: list[str] = []  # noqa: RUF012
    limits: dict[str, str] = {}  # noqa: RUF012


FLAG, VALUE, NUMBER, LIST, NUMBERS, LIMIT = "flag", "value", "number", "list", "numbers", "limit"
_BOOLEANS = {"": True, "true": True, "1": True, "false": False, "0": False}

GLOBAL = {
    "--root": VALUE, "--log": VALUE, "--log-format": VALUE, "--debug": FLAG,
    "--systemd-cgroup": FLAG, "--cgroup-manager": VALUE, "--version": FLAG, "--help": FLAG,
}  # fmt: skip
# Letters; of those that mean two things the operation knows one.
SHORT = {
    "-a": ("--all",), "-b": ("--bundle",), "-c": ("--cap",), "-d": ("--detach",),
    "-e": ("--env",), "-f": ("--force", "--format"), "-g": ("--additional-gids",),
    "-h": ("--help",), "-p": ("--process",), "-q": ("--quiet",), "-r": ("--resources",),
    "-t": ("--tty",), "-u": ("--user",), "-v": ("--version",),
}  # fmt: skip

_HANDED_OVER = {
    "--pid-file": VALUE, "--console-socket": VALUE, "--pidfd-socket": VALUE,
    "--preserve-fds": NUMBER,
}  # fmt: skip
_CREATE = {"--bundle": VALUE, **_HANDED_OVER, "--no-pivot": FLAG, "--no-new-keyring": FLAG}
LIMITS = (
    "--blkio-weight", "--cpu-burst", "--cpu-idle", "--cpu-period", "--cpu-quota",
    "--cpu-rt-period", "--cpu-rt-runtime", "--cpu-share", "--cpuset-cpus", "--cpuset-mems",
    "--kernel-memory", "--kernel-memory-tcp", "--memory", "--memory-reservation", "--memory-swap",
    "--pids-limit",
)  # fmt: skip
_COMMAND = "[command...]"  # the words of which are no options of this program's

# operation: (options, names of its arguments: optional ones in brackets)
OPERATIONS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "create": ({**_CREATE, "--plan": FLAG}, ("id",)),
    "start": ({}, ("id",)),
    "state": ({}, ("id",)),
    "kill": ({"--all": FLAG}, ("id", "[signal]")),
    "delete": ({"--force": FLAG}, ("id",)),
    "exec": (
        {
            "--process": VALUE, "--detach": FLAG, "--tty": FLAG, **_HANDED_OVER, "--cwd": VALUE,
            "--env": LIST, "--user": VALUE, "--additional-gids": NUMBERS, "--cap": LIST,
            "--no-new-privs": FLAG, "--apparmor": VALUE, "--process-label": VALUE,
        },
        ("id", _COMMAND),
    ),
    "features": ({}, ()),
    "list": ({"--format": VALUE, "--quiet": FLAG}, ()),
    "pause": ({}, ("id",)),
    "ps": ({"--format": VALUE}, ("id", _COMMAND)),
    "resume": ({}, ("id",)),
    "run": ({**_CREATE, "--detach": FLAG, "--keep": FLAG}, ("id",)),
    "spec": ({"--bundle": VALUE, "--rootless": FLAG}, ()),
    "update": ({"--resources": VALUE, **dict.fromkeys(LIMITS, LIMIT)}, ("id",)),
}  # fmt: skip

NOT_IMPLEMENTED = ("checkpoint", "events", "restore")  # engines ask for them with --help


def parse_globals(words: list[str]) -> Arguments:
    """Take the options before the operation, and the operation's name."""
    arguments = Arguments()
    rest = options(words, GLOBAL, arguments, most=0)
    if rest:
        arguments.operation, *arguments.words = rest
    return arguments


def parse_operation(arguments: Arguments) -> None:
    """Sort the words behind the operation; OperationError says which one is wrong."""
    operation = arguments.operation
    if not operation:
        return
    if operation in NOT_IMPLEMENTED:
        message = f"{operation}: this runtime does not implement it"
        raise errors.OperationError(message)
    if operation not in OPERATIONS:
        message = f"unknown operation {operation!r}: one of {', '.join(OPERATIONS)}"
        raise errors.OperationError(message)
    known, names = OPERATIONS[operation]
    words, arguments.words = arguments.words, []
    most = names.index(_COMMAND) if _COMMAND in names else len(words) + 1
    rest = options(words, {**known, "--help": FLAG}, arguments, most=most)
    if not arguments.help:
        positional(operation, names, rest, arguments)


def options(
    words: list[str], known: dict[str, str], arguments: Arguments, *, most: int
) -> list[str]:
    """Take the options out of the words, up to the first word beyond the most; return the rest."""
    rest: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "--":
            return rest + words[position:]
        if not word.startswith("-") or word == "-":
            rest.append(word)
            if len(rest) > most:
                return rest + words[position:]
            continue
        name, has_value, value = word.partition("=")
        name = next((full for full in SHORT.get(name, ()) if full in known), name)
        if name not in known:
            if rest and len(rest) == most:
                return rest + words[position - 1 :]  # of ps(1): ps ID -ef
            message = f"unknown option {name}"
            raise errors.OperationError(message)
        if known[name] != FLAG and not has_value:
            if position == len(words):
                message = f"{name} needs a value"
                raise errors.OperationError(message)
            value = words[position]
            position += 1
        set_option(arguments, name, known[name], value)
    return rest


def set_option(arguments: Arguments, name: str, kind: str, text: str) -> None:
    """Keep what an option says; of one that is given twice the last one counts, or both."""
    attribute = name[2:].replace("-", "_")
    value: Any = text
    if kind == FLAG:
        if text not in _BOOLEANS:
            message = f"{name}: {text!r} is neither true nor false"
            raise errors.OperationError(message)
        value = _BOOLEANS[text]
    elif kind == LIMIT:
        attribute, value = "limits", {**arguments.limits, name: text}
    elif kind in {NUMBER, NUMBERS}:
        if not (text.isascii() and text.isdigit() and int(text) < 2**32 - 1):
            message = f"{name}: {text!r} is not a number from 0 to {2**32 - 2}"
            raise errors.OperationError(message)
        value = int(text)
    if kind in {LIST, NUMBERS}:
        value = [*getattr(arguments, attribute), value]
    setattr(arguments, attribute, value)


def positional(
    operation: str, names: tuple[str, ...], words: list[str], arguments: Arguments
) -> None:
    """Give the words that are left their names."""
    if names and names[-1] == _COMMAND:
        names = names[:-1]
        words, arguments.words = words[: len(names)], words[len(names) :]
    required = [name for name in names if not name.startswith("[")]
    if not len(required) <= len(words) <= len(names):
        wanted = " ".join(name.upper() for name in names) or "no arguments"
        message = f"{operation} takes {wanted}, not {len(words)} arguments"
        raise errors.OperationError(message)
    for name, word in zip(names, words, strict=False):
        setattr(arguments, name.strip("[]"), word)


def usage(name: str, operation: str) -> str:
    """Return what --help prints, for all operations or for one."""
    if operation:
        return f"usage: {name} [options] {_usage_of(operation)}"
    lines = [f"usage: {name} [options] operation ..."]
    lines.append("  options: " + " ".join(GLOBAL))
    lines += [f"  {_usage_of(operation)}" for operation in OPERATIONS]
    return "\n".join(lines)


def _usage_of(operation: str) -> str:
    known, names = OPERATIONS[operation]
    return " ".join((operation, *known, *(name.upper() for name in names)))
