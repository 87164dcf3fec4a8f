"""Our own JSON Schemas of the specification's documents, compiled once.

They say what the prose says; where the specification's schema files differ from its prose, the
prose wins (docs/readings.md).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

DIRECTORY = Path(__file__).parent / "schemas"


@cache
def validator(name: str) -> Validator:
    """Return the validator of ``harness/schemas/NAME.schema.json``."""
    # Imported when first needed: it costs a tenth of a second, which a run that is only
    # collected, or ends in a usage error, does not have to pay.
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    document = json.loads((DIRECTORY / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def problem(name: str, document: Any) -> str:  # noqa: ANN401 - any JSON value can be checked
    """Say in one line what is wrong with ``document``, with its path; empty if nothing is."""
    errors = sorted(validator(name).iter_errors(document), key=lambda error: error.json_path)
    return f"{errors[0].json_path}: {errors[0].message}" if errors else ""
