"""Names of the shapes of data, for the type checker only: never imported at run time."""

from typing import Any

Json = dict[str, Any]  # a JSON object: config.json, one of its objects, the container's record
