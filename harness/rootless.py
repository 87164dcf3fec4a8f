"""The rootless lane: this process becomes root of a user namespace, an ordinary user outside of it.

Everything that it starts is in there too, so the runtime under test sees what it sees when an
ordinary user calls it by ``unshare --map-root-user``: ID 0, all capabilities, and a host that lets
it do nothing as root (user_namespaces(7)). Entered once, by the controller, before anything
operates; workers of xdist inherit it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import door, host, linux
from harness.faults import HarnessError, UsageError

SUBORDINATE = {"uid": Path("/etc/subuid"), "gid": Path("/etc/subgid")}
HELPERS = {"gid": "newgidmap", "uid": "newuidmap"}
NOBODY = 65534
COUNT = 65536
FIRST = 100000
"""Where ranges begin that useradd(8) gives out."""

NO_RIGHTS, NO_PROC = 1, 2
"""How the process ends that tries what every case needs."""

HINT = "see user.max_user_namespaces and, on Ubuntu, kernel.apparmor_restrict_unprivileged_userns"


@dataclass(frozen=True)
class User:
    """The ordinary user that the session is outside of its user namespace."""

    uid: int
    gid: int
    name: str
    home: str

    @classmethod
    def of(cls, uid: int, gid: int) -> User:
        """Look it up; an ID without an entry in passwd(5) is a user as well."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, gid, "", "/")
        return cls(uid, gid, entry.pw_name, entry.pw_dir)


def chosen() -> User:
    """The caller; of root, the user who called sudo(8), else nobody."""
    if os.geteuid() != 0:
        return User.of(os.geteuid(), os.getegid())
    uid, gid = (os.environ.get(name, "") for name in ("SUDO_UID", "SUDO_GID"))
    if uid.isdecimal() and gid.isdecimal() and int(uid) > 0:
        return User.of(int(uid), int(gid))
    return User.of(NOBODY, NOBODY)


def enter(results: Path) -> None:
    """Enter the user namespace; UsageError where this host does not let us.

    Root becomes an ordinary user for good; ``results`` is given to that user before.
    """
    if host.in_user_namespace() and os.geteuid() == 0:
        return  # an engine or `unshare -r` has done it already
    user = chosen()
    is_root = os.geteuid() == 0
    if is_root:
        _give(results, user)
    rows = {kind: mapping(kind, user, by_root=is_root) for kind in HELPERS}
    problem: str | None
    mapper = _Mapper(os.getpid(), rows, by_root=is_root)
    try:
        if is_root:
            _become(user)
        linux.unshare(linux.CLONE_NEWUSER)
        problem = mapper.map()
    except OSError as error:
        problem = f"{error.strerror}; {HINT}"
    finally:
        mapper.close()
    if problem:
        raise UsageError(f"--rootless: cannot make a user namespace: {problem}")
    # What asks for the name of ID 0 would call us root, and use the files of the host's root.
    os.environ["USER"] = os.environ["LOGNAME"] = user.name or str(user.uid)
    _check()


def described() -> str:
    """Say for the header what this lane has; nothing outside of it."""
    if not host.in_user_namespace():
        return ""
    ids = "one ID" if host.many_ids() else "many IDs"
    cgroups = "no cgroup delegated" if host.cgroups() else "a cgroup delegated"
    return f"\nrootless: uid {host.outside_uid()} of the host, {ids}, {cgroups}"


def mapping(kind: str, user: User, *, by_root: bool) -> list[tuple[int, int, int]]:
    """Rows of uid_map or gid_map: (ID inside, ID outside, count).

    The user is root; the subordinate IDs follow, if the user has some and there is a program that
    may map them. Root needs neither.
    """
    first = (0, user.uid if kind == "uid" else user.gid, 1)
    if not by_root and not (user.name and all(map(shutil.which, HELPERS.values()))):
        return [first]
    ranges = {each: subordinate(SUBORDINATE[each], user) for each in HELPERS}
    if by_root and not all(ranges.values()):
        return [first, (1, FIRST, COUNT)]
    if not all(ranges.values()):
        return [first]
    rows, next_ = [first], 1
    for start, count in ranges[kind]:
        rows.append((next_, start, count))
        next_ += count
    return rows


def subordinate(path: Path, user: User) -> list[tuple[int, int]]:
    """Ranges of subuid(5): ``name:first:count``, the name of the user or its number."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        owner, *numbers = line.strip().split(":")
        first, count = numbers if len(numbers) == 2 else ("", "")  # noqa: PLR2004
        if (
            owner
            and owner in {user.name, str(user.uid)}
            and first.isdecimal()
            and count.isdecimal()
        ):
            found.append((int(first), int(count)))
    return found


class _Mapper:
    """A process outside of the user namespace: nobody inside may map more than its own ID."""

    def __init__(
        self, target: int, rows: dict[str, list[tuple[int, int, int]]], *, by_root: bool
    ) -> None:
        self._entered, self._enter = os.pipe()
        self._said, said = os.pipe()

        def body() -> int:
            os.close(self._enter)
            if os.read(self._entered, 1):
                text = _map(target, rows, by_root=by_root)
                os.write(said, text.encode(errors="replace")[:1000])
            return 0

        self._pid = door.fork(body)
        os.close(said)
        os.close(self._entered)

    def map(self) -> str:
        """Map, now that the target is inside; return what went wrong."""
        os.write(self._enter, b"!")
        return os.read(self._said, 1000).decode(errors="replace")

    def close(self) -> None:
        """End the process."""
        os.close(self._enter)
        os.close(self._said)
        os.waitpid(self._pid, 0)


def _map(target: int, rows: dict[str, list[tuple[int, int, int]]], *, by_root: bool) -> str:
    for kind, program in HELPERS.items():
        words = [[str(number) for number in row] for row in rows[kind]]
        try:
            if by_root or len(words) == 1:
                if not by_root and kind == "gid":
                    Path(f"/proc/{target}/setgroups").write_text("deny")
                text = "".join(" ".join(row) + "\n" for row in words)
                Path(f"/proc/{target}/{kind}_map").write_text(text)
            else:
                door.output([program, str(target), *(word for row in words for word in row)])
        except (OSError, HarnessError) as error:
            return f"{program}: {error}"
    return ""


def _become(user: User) -> None:
    """Be the ordinary user, for good; the lines that end in an error name what it cannot reach."""
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    # A change of IDs makes /proc/self root's, who is a stranger from now on.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    os.environ["HOME"] = user.home
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ.pop(name, None)
    if not os.access(user.home, os.W_OK):
        os.environ["XDG_CACHE_HOME"] = str(host.user_directory() / "cache")
    for path in (sys.executable, os.__file__, __file__):
        if not os.access(path, os.R_OK):
            message = f"--rootless: uid {user.uid} cannot read {path}; run as a user who can"
            raise UsageError(message)


def _give(directory: Path, user: User) -> None:
    """Make a directory that the user can write, if it is not there."""
    missing = []
    path = directory.absolute()
    while not path.exists():
        missing.append(path)
        path = path.parent
    for path in reversed(missing):
        path.mkdir()
    if missing or directory.stat().st_uid == 0:
        os.chown(directory, user.uid, user.gid)


def _check() -> None:
    """Try what every case needs: some hosts give the namespace and then no right in it."""
    status = _status(door.fork(_try_namespaces))
    if status == NO_RIGHTS:
        raise UsageError(f"--rootless: the user namespace gives no rights in it; {HINT}")
    if status:
        raise UsageError(
            "--rootless: a user namespace cannot mount proc here, as parts of this /proc are"
            " covered; run outside of the container"
        )


def _try_namespaces() -> int:
    try:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID)
    except OSError:
        return NO_RIGHTS
    return _status(door.fork(_try_proc))


def _try_proc() -> int:
    try:
        linux.mount("proc", "/proc", "proc")
    except OSError:
        return NO_PROC
    return 0


def _status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
