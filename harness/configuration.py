"""config.json of a bundle: rendered from a template, checked, then spoilt in the case's one way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import jinja2

from harness import schemas
from harness.cache import user_cache
from harness.faults import TemplateError
from harness.remembered import Remembered, digest

Offence = Mapping[str, Any] | bytes | Callable[[dict[str, Any]], object] | None
"""What a negative case does to a configuration that was valid: a JSON merge patch (RFC 7396, null
removes), a function that changes the document, or the bytes to write instead of it."""

TEMPLATES = Path(__file__).parent.parent / "bundle_templates"


@cache
def environment() -> jinja2.Environment:
    """Return the one environment: an unknown variable is an error, values go through tojson."""
    loaded = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - JSON, not HTML: every value goes through tojson
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=jinja2.FileSystemBytecodeCache(str(user_cache("templates"))),
    )
    # Jinja's own tojson escapes for HTML; a configuration must hold the very characters.
    loaded.filters["tojson"] = partial(json.dumps, ensure_ascii=False, default=_no_json)
    loaded.filters["words"] = lambda words: ", ".join(json.dumps(str(word)) for word in words)
    return loaded


def _no_json(value: object) -> NoReturn:
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises, with the name of the variable
    raise TypeError(f"a {type(value).__name__} is no JSON value")


def check() -> None:
    """Compile every template, so that a broken one is a usage error before anything operates.

    Raises TemplateError naming file and line.
    """
    for path in sorted(TEMPLATES.glob("*.json.j2")):
        try:
            environment().get_template(path.name)
        except jinja2.TemplateSyntaxError as error:
            where = f"bundle_templates/{path.name}:{error.lineno}"
            raise TemplateError(f"{where}: {error.message}") from error


@cache
def _checked() -> Remembered:
    """What has been checked against this schema, with these templates, in this run or before."""
    files = [schemas.DIRECTORY / "config.schema.json", *sorted(TEMPLATES.glob("*.json.j2"))]
    of_all = digest(path.read_text(encoding="utf-8") for path in files)
    return Remembered(user_cache("checked") / of_all)


def render(template: str, values: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """Render a template of bundle_templates/ and check the result against our JSON Schema.

    What has been checked under a ``key`` is not checked again, in later runs neither: the template
    and those values that are not made anew for each bundle.

    Raises TemplateError naming the template for whatever is wrong with it.
    """
    name = f"{template}.json.j2"
    try:
        text = environment().get_template(name).render(values)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"bundle_templates/{error.name}: there is no such template") from error
    except Exception as error:  # an expression in a template raises what it likes
        said = str(error).partition("\n")[0]
        raise TemplateError(f"bundle_templates/{name}: {said}") from error
    try:
        document: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"bundle_templates/{name}: renders no JSON: {error}") from error
    if not key or key not in _checked():
        if problem := schemas.problem("config", document):
            raise TemplateError(f"bundle_templates/{name}: renders no configuration: {problem}")
        if key:
            _checked().add(key)
    return document


def spoil(document: dict[str, Any], offence: Offence) -> bytes:
    """Return the bytes of config.json: ``document`` with the one offence in it."""
    if isinstance(offence, bytes):
        return offence
    if isinstance(offence, Mapping):
        document = merge(document, offence)
    elif offence is not None:
        offence(document)
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "surrogateescape")


def merge(document: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7396) to an object."""
    merged = dict(document)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            below = merged.get(name)
            merged[name] = merge(below if isinstance(below, dict) else {}, value)
        else:
            merged[name] = value
    return merged
