"""Version numbers (semver.org, 2.0.0), read by hand: the re module costs 7 ms."""

from __future__ import annotations

_DIGITS = frozenset("0123456789")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


def parse(text: str) -> tuple[int, int, int] | None:
    """Return major, minor and patch of a version, None if it is none."""
    text, has_build, build = text.partition("+")
    core, has_pre_release, pre_release = text.partition("-")
    numbers = core.split(".")
    if len(numbers) != len(("major", "minor", "patch")) or not all(map(_is_number, numbers)):
        return None
    if has_build and not all(map(_is_identifier, build.split("."))):
        return None
    for part in pre_release.split(".") if has_pre_release else ():
        if not _is_identifier(part) or (_DIGITS.issuperset(part) and not _is_number(part)):
            return None
    major, minor, patch = map(int, numbers)
    return major, minor, patch


def _is_number(text: str) -> bool:
    return bool(text) and _DIGITS.issuperset(text) and (text == "0" or text[0] != "0")


def _is_identifier(text: str) -> bool:
    return bool(text) and (_DIGITS | _LETTERS).issuperset(text)
