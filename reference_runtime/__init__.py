"""An OCI container runtime for Linux: runtime.md, config.md and config-linux.md as a program.

Nothing is imported here: every operation pays for what it uses and for no more.
"""

VERSION = "0.1.0"
SPEC_VERSION = "1.3.0"  # the release that state documents follow (runtime.md#state, ociVersion)
