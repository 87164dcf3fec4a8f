"""What create reads and checks before it makes anything (runtime.md#lifecycle, step 1)."""

from __future__ import annotations

import os
import stat
import time

from reference_runtime import (
    SPEC_VERSION,
    capabilities,
    container,
    creation,
    errors,
    jsonlite,
    lsm,
    mounts,
    namespaces,
    report,
    validate,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_NOT_FOR_EXEC = ("args", "terminal", "consoleSize")  # of process, what is of the first alone
_FOR_EXEC = ("seccomp", "personality")  # of linux, what holds for exec's processes too


def prepare(arguments: Arguments) -> Creation:
    """Read and check all that can be checked before anything is made."""
    bundle = os.path.abspath(arguments.bundle)
    config = read_configuration(f"{bundle}/config.json")
    umask = os.umask(0o022)  # the only way to ask for it
    os.umask(umask)
    made = creation.Creation(config, bundle, umask)
    made.no_pivot, made.new_keyring = arguments.no_pivot, not arguments.no_new_keyring
    made.without_cgroups = arguments.cgroup_manager == "disabled"
    if made.without_cgroups:
        refuse_limits(made.linux.get("resources", {}))
    if os.geteuid() != 0 and not made.in_user_namespace:
        message = "linux.namespaces: an ordinary user needs a user namespace, and none is listed"
        raise errors.OperationError(message)
    validate.root_directory(made.rootfs)
    lsm.check(made)
    namespaces.open_paths(made)
    prepare_process(made, arguments)
    if any(entry.get("type") in mounts.CGROUP_TYPES for entry in config.get("mounts", [])):
        __import__("reference_runtime.cgroup_mounts")  # for init
    if made.is_unprivileged:
        __import__("reference_runtime.unprivileged")  # likewise
    return made


def refuse_limits(resources: Json) -> None:
    """Refuse what is for the cgroups that are not wanted; device rules come all the same."""
    for name, wanted in resources.items():
        if wanted and name != "devices":
            message = f"linux.resources.{name}: there are no cgroups with --cgroup-manager disabled"
            raise errors.OperationError(message)


def prepare_process(made: Creation, arguments: Arguments) -> None:
    """Prepare what the container's processes cannot when they are in it, those of exec too."""
    made.pid_file = os.path.abspath(arguments.pid_file) if arguments.pid_file else ""
    made.pidfd_socket = arguments.pidfd_socket
    made.preserved_fds = arguments.preserve_fds
    if made.preserved_fds:
        from reference_runtime import descriptors  # for init, too, which cannot import

        descriptors.keep_from_hooks(made.preserved_fds)
    available = capabilities.available(in_user_namespace=made.in_user_namespace)
    wanted = made.process.get("capabilities", {})
    made.capabilities = capabilities.Capabilities(wanted, available)
    for warning in made.capabilities.warnings:
        report.warning(warning)
    if made.process.get("terminal"):
        if not arguments.console_socket:
            message = "process.terminal: true needs --console-socket"
            raise errors.OperationError(message)
        from reference_runtime import console  # likewise

        made.console = console.connect(arguments.console_socket)
    elif arguments.console_socket:
        message = "--console-socket: process.terminal is not true"
        raise errors.OperationError(message)
    if made.linux.get("seccomp"):
        from reference_runtime import seccomp  # likewise

        made.seccomp = seccomp.compile_filter(made.linux["seccomp"], "linux.seccomp")


def read_regular_file(path: str) -> bytes:
    """Read a file that has an end: a device or a FIFO may have none."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # of a FIFO: do not wait
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        message = f"{path}: is not a regular file"
        raise errors.OperationError(message)
    with open(fd, "rb") as file:
        return file.read()


def read_configuration(path: str) -> Json:
    """Read config.json, once: later changes of it have no effect (lifecycle, step 2)."""
    try:
        document = read_regular_file(path)
    except OSError as error:
        message = f"cannot read the bundle's configuration: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    try:
        config: Json = jsonlite.loads(document)
    except (ValueError, RecursionError) as error:
        message = f"{path}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    validate.configuration(config)
    return config


def first_record(made: Creation, arguments: Arguments) -> Json:
    """Return what later operations need to know of the configuration."""
    record: Json = {
        "ociVersion": SPEC_VERSION,
        "id": arguments.id,
        "bundle": made.bundle,
        "rootfs": os.path.abspath(made.rootfs),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "phase": container.CREATING,
        "hasProcess": bool(made.process),
        "hooks": {kind: made.hooks.get(kind, []) for kind in ("poststart", "poststop")},
        "process": {k: v for k, v in made.process.items() if k not in _NOT_FOR_EXEC},
        "deviceRules": made.linux.get("resources", {}).get("devices", []),
        "forExec": {name: made.linux[name] for name in _FOR_EXEC if name in made.linux},
    }
    if made.config.get("annotations"):
        record["annotations"] = made.config["annotations"]
    return record
