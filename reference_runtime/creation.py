"""What the steps of create share: the configuration, and what earlier steps have opened or found.

The forked processes have a copy of it, as they have of everything.
"""

from __future__ import annotations

import os

from reference_runtime import errors, privileges

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from reference_runtime.capabilities import Capabilities
    from reference_runtime.channel import Channel
    from reference_runtime.container import Container
    from reference_runtime.ffi import Call
    from reference_runtime.model import Json
    from reference_runtime.net_devices import Moves
    from reference_runtime.seccomp import Filter
    from reference_runtime.seccomp_listener import Shared


class Creation:
    """One run of the create operation."""

    container: Container
    here: Channel  # the runtime's end of the channel to stage1 and init
    there: Channel  # their end
    listener: _socket.socket  # where init waits for start
    created_lock: int  # init holds it until the program is executed
    capabilities: Capabilities
    seccomp: Filter | None = None
    executions: list[Call]  # the calls of execve(2) to be tried
    stage_pid: int = 0
    init_pid: int = 0
    init_started: int = 0
    root_fd: int = -1  # the root of the container's filesystem
    proc_fd: int = -1  # of exec: the host's procfs, which joining the namespaces hides
    null_fd: int = -1  # the host's /dev/null, seen in the container's mount namespace
    console: _socket.socket | None = None  # where the caller waits for the terminal
    hooks_have_run: bool = False
    pid_file_written: bool = False
    listening: Shared | None = None  # for a filter that notifies
    moves: Moves | None = None  # of network devices
    preserved_fds: int = 0  # how many of the caller's, from 3 on, the program is to have
    pidfd_socket: str = ""  # where the caller waits for a pidfd
    no_pivot: bool = False  # the root filesystem cannot be pivoted to: it is a ramdisk
    new_keyring: bool = True
    without_cgroups: bool = False  # the caller wants none made or joined

    def __init__(self, config: Json, bundle: str, umask: int) -> None:
        """Begin with a valid configuration."""
        self.config = config
        self.bundle = bundle
        self.umask = umask  # the caller's, which the program inherits
        self.linux: Json = config.get("linux", {})
        self.process: Json = config.get("process", {})
        self.hooks: Json = config.get("hooks", {})
        self.rootfs = os.path.join(bundle, config["root"]["path"])
        self.cgroups: list[Json] = []
        self.namespace_fds: dict[str, int] = {}
        self.pid_file = ""
        self.idmapped: dict[int, int] = {}  # id() of an entry of mounts: its mount, or its mapping
        self.attribute_fds: dict[str, int] = {}  # of init, for the labels of security modules
        self.is_ordinary_user = os.geteuid() != 0  # of this user namespace; stage1 becomes its root
        self.is_rootless = not privileges.is_root_of_host()
        self._namespaces = {n["type"]: n for n in self.linux.get("namespaces", [])}

    def has_namespace(self, kind: str) -> bool:
        """Say whether the container has a namespace of its own, new or joined."""
        return kind in self._namespaces

    def has_new_namespace(self, kind: str) -> bool:
        """Say whether a new namespace is to be made."""
        return kind in self._namespaces and "path" not in self._namespaces[kind]

    @property
    def is_alone(self) -> bool:
        """Say whether nobody is in the container's namespaces who could look into init.

        Of an undumpable process an ordinary user could not open the namespaces (ptrace(2)).
        """
        new = (self.has_new_namespace(kind) for kind in ("user", "pid"))
        return self.is_ordinary_user and all(new)

    @property
    def is_unprivileged(self) -> bool:
        """Say whether init has no rights over what is the host's: mounts, devices, namespaces."""
        return self.is_rootless or self.in_user_namespace

    @property
    def in_user_namespace(self) -> bool:
        """Say whether the container is in another user namespace than the runtime."""
        return self.has_namespace("user")

    def naming(self, name: str) -> Naming:
        """Put the name of a property before the errors of a block."""
        return Naming(name)


class Naming:
    """A context that makes an OperationError, with the property's name, of any error in it."""

    def __init__(self, name: str) -> None:
        """Take the name."""
        self.name = name

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate the error of the block."""
        if isinstance(error, (OSError, ValueError, errors.OperationError)):
            message = f"{self.name}: {errors.reason(error)}"
            kind = (
                type(error) if isinstance(error, errors.OperationError) else errors.OperationError
            )
            raise kind(message) from None
