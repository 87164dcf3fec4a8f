"""The session keyring (session-keyring(7)): the container does not get the caller's."""

from __future__ import annotations

import errno

from reference_runtime import errors, steps, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation


class NewKeyring(steps.Step):
    """Begin a session keyring without a key in it."""

    describe = "begin a session keyring"

    def run(self, creation: Creation) -> None:
        """Begin one, where the kernel has keys and the caller does not forbid it."""
        if creation.new_keyring:
            try:
                syscalls.join_session_keyring()
            except OSError as error:
                if error.errno != errno.ENOSYS:
                    message = f"cannot begin a session keyring: {errors.reason(error)}"
                    raise errors.OperationError(message) from None
