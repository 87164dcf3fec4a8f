"""Mutants of runtime-linux.md: file descriptors, links in /dev."""

from __future__ import annotations

import os

from reference_runtime import cli, devices, execution, init, syscalls
from tests.mutants.breaking import mutant, replace, skip, wrap

LINKS = ("/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr")


def before_execution(act):
    """Act in the container process when all is ready for the program."""

    def run(original, self, creation):
        original(self, creation)
        act()

    wrap(execution.PrepareExecution, "run", run)


@mutant("runtime-linux.fds.only-std")
def a_descriptor_of_the_runtime_is_left_open():
    """The program has a descriptor of a directory that the runtime has opened."""

    def leave_open():
        os.set_inheritable(os.open("/", os.O_RDONLY), True)  # noqa: FBT003 (positional only)

    before_execution(leave_open)


@mutant("runtime-linux.fds.only-std")
def descriptors_of_the_caller_are_left_open():
    """The program has what the runtime's caller has left open."""
    skip(cli, "keep_only_stdio")
    skip(syscalls, "close_range")


@mutant("runtime-linux.fds.std-open")
def standard_input_is_closed():
    """The first file that the program opens becomes its standard input."""
    before_execution(lambda: os.close(0))


@mutant(
    "runtime-linux.dev-symlink.fd",
    "runtime-linux.dev-symlink.stdin",
    "runtime-linux.dev-symlink.stdout",
    "runtime-linux.dev-symlink.stderr",
    also=["runtime-linux.dev-symlinks.at-create"],  # which looks at the same links
)
def links_lead_to_the_first_process():
    """The links of /dev are right for process 1 alone."""
    changed = {
        path: (target.replace("/self/", "/1/"), needed)
        for path, (target, needed) in devices.LINKS.items()
    }
    replace(devices, "LINKS", changed)


@mutant("runtime-linux.dev-symlinks.at-create")
def links_are_made_by_start():
    """The links of /dev are missing as long as the container is created."""
    others = {path: of for path, of in devices.LINKS.items() if path not in LINKS}
    made = {path: devices.LINKS[path][0] for path in LINKS}
    replace(devices, "LINKS", others)

    def run(original, self, creation):
        for path, target in made.items():
            os.symlink(target, path)
        original(self, creation)

    wrap(init.StartContainerHooks, "run", run)
