"""config.json laid out for reading, token by token, so that nothing a case wrote is normalised."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_INLINE = 88
"""A list of plain values stays on its line up to this many characters."""


def pretty(document: str) -> str:
    """Indent ``document``; leave alone what is no JSON (a case may write such on purpose)."""
    try:
        json.loads(document)
    except (ValueError, RecursionError):
        return document
    parts = _TOKEN.findall(document)
    out: list[str] = []
    depth = position = 0
    while position < len(parts):
        part = parts[position]
        flat = _flat(parts, position)
        if flat is not None:
            out.append(flat[0])
            position = flat[1]
            continue
        if part in "{[":
            depth += 1
            out.append(part + "\n" + "  " * depth)
        elif part in "}]":
            depth -= 1
            out.append("\n" + "  " * depth + part)
        else:
            out.append({",": ",\n" + "  " * depth, ":": ": "}.get(part, part))
        position += 1
    return "".join(out)


def _flat(parts: list[str], start: int) -> tuple[str, int] | None:
    """Put a short list of plain values, or an empty object, on one line; say where it ends."""
    if parts[start] not in "[{":
        return None
    close = {"[": "]", "{": "}"}[parts[start]]
    end = start + 1
    width = 2
    while end < len(parts) and parts[end] not in "[]{}" and width <= _INLINE:
        width += len(parts[end]) + 1
        end += 1
    if end >= len(parts) or parts[end] != close or (close == "}" and end > start + 1):
        return None
    inner = "".join(", " if part == "," else part for part in parts[start + 1 : end])
    return parts[start] + inner + close, end + 1
