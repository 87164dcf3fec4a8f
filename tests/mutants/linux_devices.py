"""Mutants of config-linux.md: devices, default devices."""

from __future__ import annotations

import os

from reference_runtime import console, devices, errors, validate
from tests.mutants.breaking import mutant, replace, skip, wrap

DEFAULT = {device["path"] for device in devices.DEFAULT_DEVICES}


def amending(amend):
    """Change the listed devices before the configuration is checked; ``amend`` returns them."""

    def check(original, config):
        linux = config["linux"]
        linux["devices"] = amend(linux.get("devices", []))
        original(config)

    wrap(validate, "configuration", check)


def making(change):
    """Change each listed device before it is made; ``change`` returns it."""

    def make(original, made, device):
        original(made, device if device["path"] in DEFAULT else change(device))

    wrap(devices, "make_one", make)


def retyped(type_, other):
    """Make devices of one type as another one."""

    def change(device):
        return (
            {"major": 0, "minor": 0, **device, "type": other} if device["type"] == type_ else device
        )

    making(change)


def without_default(name):
    """Leave one of the default devices out."""
    kept = tuple(d for d in devices.DEFAULT_DEVICES if d["path"] != f"/dev/{name}")
    replace(devices, "DEFAULT_DEVICES", kept)


@mutant("linux.devices.available", "linux.devices.no-duplicates")
def listed_devices_are_ignored():
    """No device but the default ones is ever there."""

    def make(original, made, device):
        if device["path"] in DEFAULT:
            original(made, device)

    wrap(devices, "make_one", make)


@mutant("linux.devices.type-required")
def a_device_without_a_type_is_a_character_device():
    """A type may be left out."""
    amending(lambda listed: [{"type": "c", **device} for device in listed])


@mutant("linux.devices.type-c")
def character_devices_are_made_block_devices():
    """A listed character device is a block device."""
    retyped("c", "b")


@mutant("linux.devices.type-b")
def block_devices_are_made_character_devices():
    """A listed block device is a character device."""
    retyped("b", "c")


@mutant("linux.devices.type-u")
def unbuffered_devices_are_made_fifos():
    """A device of type u is a fifo."""
    retyped("u", "p")


@mutant("linux.devices.type-p")
def fifos_are_made_devices():
    """A fifo is a character device 0:0."""
    retyped("p", "c")


@mutant("linux.devices.path-required")
def a_device_without_a_path_is_skipped():
    """An entry without a path is passed over."""
    amending(lambda listed: [device for device in listed if "path" in device])


@mutant("linux.devices.existing-mismatch-errors")
def a_file_that_is_there_will_do():
    """Whatever lies at a device's path is left there and taken for the device."""
    skip(devices, "matches", result=True)


@mutant("linux.devices.path-anywhere")
def devices_are_always_below_dev():
    """A device with another path is made below /dev."""

    def change(device):
        path = device["path"]
        return device if path.startswith("/dev/") else {**device, "path": f"/dev{path}"}

    making(change)


@mutant("linux.devices.path-full")
def a_relative_path_is_taken_from_the_working_directory():
    """A device with a relative path is made on the host."""

    def amend(listed):
        for device in listed:
            if not device["path"].startswith("/"):
                os.makedirs(os.path.dirname(device["path"]), exist_ok=True)
                os.mknod(device["path"], 0o020600, os.makedev(device["major"], device["minor"]))
        return [device for device in listed if device["path"].startswith("/")]

    amending(amend)


@mutant("linux.devices.major-minor-required")
def a_fifo_needs_numbers():
    """A fifo without numbers is an error."""

    def amend(listed):
        for device in listed:
            if "major" not in device:
                message = "linux.devices: major is required"
                raise errors.OperationError(message)
        return listed

    amending(amend)


@mutant("linux.devices.major-minor")
def numbers_have_eight_bits():
    """Of a device's numbers the higher bits are lost."""
    making(lambda d: {**d, "major": d.get("major", 0) & 0xFF, "minor": d.get("minor", 0) & 0xFF})


@mutant("linux.devices.file-mode")
def the_umask_cuts_the_mode():
    """A device has fewer permissions than it was given."""

    def make(original, made, device):
        before = os.umask(made.umask)
        original(made, device)
        os.umask(before)

    wrap(devices, "make_one", make)


@mutant("linux.devices.uid")
def devices_belong_to_root():
    """The owner of a device is root."""
    making(lambda device: {**device, "uid": 0})


@mutant("linux.devices.gid")
def devices_belong_to_the_group_of_root():
    """The group of a device is root's."""
    making(lambda device: {**device, "gid": 0})


@mutant("linux.devices.uid", "linux.devices.gid")
def a_bound_device_keeps_its_owner():
    """In a user namespace a device belongs to nobody."""

    def bind(original, made, device):
        original(made, {n: value for n, value in device.items() if n not in {"uid", "gid"}})

    wrap(devices, "bind_from_host", bind)


@mutant("linux.default-devices.null")
def there_is_no_null():
    """/dev/null is missing."""
    without_default("null")


@mutant("linux.default-devices.zero")
def there_is_no_zero():
    """/dev/zero is missing."""
    without_default("zero")


@mutant("linux.default-devices.full")
def there_is_no_full():
    """/dev/full is missing."""
    without_default("full")


@mutant("linux.default-devices.random")
def there_is_no_random():
    """/dev/random is missing."""
    without_default("random")


@mutant("linux.default-devices.urandom")
def there_is_no_urandom():
    """/dev/urandom is missing."""
    without_default("urandom")


@mutant("linux.default-devices.tty")
def there_is_no_tty():
    """/dev/tty is missing."""
    without_default("tty")


@mutant(
    "linux.default-devices.null",
    "linux.default-devices.zero",
    "linux.default-devices.full",
    "linux.default-devices.random",
    "linux.default-devices.urandom",
    "linux.default-devices.tty",
)
def default_devices_are_plain_files():
    """Where a default device is to be, there is an empty file."""

    def make(original, made, device):
        if device["path"] not in DEFAULT:
            original(made, device)
            return
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        root = f"/proc/self/fd/{made.root_fd}"
        os.close(os.open(root + device["path"], flags, 0o666))

    wrap(devices, "make_one", make)


@mutant("linux.default-devices.console")
def the_console_is_a_link():
    """/dev/console is a symbolic link to the terminal."""

    def bind(made, _slave):
        root = f"/proc/self/fd/{made.root_fd}"
        os.symlink("/dev/pts/0", f"{root}/dev/console")

    replace(console, "_bind", bind)


@mutant("linux.default-devices.ptmx-present")
def there_is_no_multiplexer():
    """/dev/ptmx is missing."""
    del devices.LINKS["/dev/ptmx"]


@mutant("linux.default-devices.ptmx-form")
def the_multiplexer_is_a_node_of_its_own():
    """/dev/ptmx is a device 5:2."""
    del devices.LINKS["/dev/ptmx"]
    node = {"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}
    replace(devices, "DEFAULT_DEVICES", (*devices.DEFAULT_DEVICES, node))
