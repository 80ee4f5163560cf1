"""Paths into an observation: JSONPath (RFC 9535), with the leading ``$.`` optional.

python-jsonpath in strict mode does the work; it is imported when the first path needs it (it takes 0.1 s). Paths made
of plain names and indexes, nearly all there are, are walked here, with the same outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

Step: TypeAlias = str | int
Node: TypeAlias = tuple[tuple[Step, ...], Any]
"""Where a value was found, and the value."""

MAX_LENGTH = 2_000
"""Characters of a path."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN_STEP = re.compile(rf"""\.({_NAME})|\['([\w /.:+@-]+)'\]|\["([\w /.:+@-]+)"\]|\[(0|-?[1-9]\d{{0,14}})\]""", re.ASCII)
_PLAIN = re.compile(rf"\$(?:{_PLAIN_STEP.pattern})*", re.ASCII)
_BARE = re.compile(r"(?<=\.)(?![.\[*])[^.\[\]()'\"?*$]+")


class PathError(ValueError):
    """A text that is no JSONPath, or a path that cannot be followed in this observation."""


class Path:
    """A compiled path. ``text`` is how it is shown, without a leading ``$.``; use `compile_path` to make one."""

    __slots__ = ("_compiled", "steps", "text")

    def __init__(self, full: str) -> None:
        self.text = _without_root(full)
        self.steps = _plain_steps(full)
        self._compiled = None if self.steps is not None else _library_path(full)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_path, (self.text,)

    def select(self, data: Any) -> list[Node]:
        """Every value that the path names, in order. Raises PathError where it cannot be followed (too deep, a bad pattern)."""
        if self.steps is None:
            return _follow(self._compiled, data)
        where: list[Step] = []
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(data, Mapping) or step not in data:
                    return []
            elif not isinstance(data, Sequence) or isinstance(data, str) or not -len(data) <= step < len(data):
                return []
            else:
                step = step % len(data)  # noqa: PLW2901 - the place, counted from the start
            data = data[step]
            where.append(step)
        return [(tuple(where), data)]

    @property
    def root(self) -> str | None:
        """The first name of a path that goes deeper than that name; None where there is none."""
        if self.steps is not None:
            return self.steps[0] if len(self.steps) > 1 and isinstance(self.steps[0], str) else None
        found = re.match(rf"""(?:\$\.)?({_NAME})|\$\[(?:'([\w -]+)'|"([\w -]+)")\](?=.)""", self.text)
        return found[found.lastindex] if found and found.lastindex else None


@lru_cache(maxsize=10_000)
def compile_path(text: str) -> Path:
    """The path of that text. Raises PathError saying what to write instead where that can be told."""
    if not text:
        raise PathError("a path must not be empty")
    if len(text) > MAX_LENGTH:
        raise PathError(f"a path may have {MAX_LENGTH} characters, this one has {len(text)}")
    full = text if text[0] == "$" else f"${text}" if text[0] in "[." else f"$.{text}"
    return Path(full)


def place(steps: Iterable[Step]) -> str:
    """A place in words of a path: ``json.items[3]['a-b']``."""
    text = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" if re.fullmatch(_NAME, step) else f"[{_quoted(step)}]" for step in steps
    )
    return text.removeprefix(".") or "$"


def _without_root(full: str) -> str:
    return full[2:] if full.startswith("$.") and not full.startswith("$..") else full


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _plain_steps(full: str) -> tuple[Step, ...] | None:
    if not _PLAIN.fullmatch(full):
        return None
    found = _PLAIN_STEP.findall(full)
    return tuple(int(index) if index else dotted or single or double for dotted, single, double, index in found)


def _library_path(full: str) -> Any:
    import jsonpath

    try:
        return _environment().compile(full)
    except jsonpath.JSONPathError as wrong:
        reason = str(wrong.args[0]) if wrong.args else type(wrong).__name__
        if "I-Regexp" in reason:
            reason += " (RFC 9485: [0-9] instead of \\d, no anchors)"
        raise PathError(f"{_without_root(full)!r} is not a JSONPath: {reason}{_hint(full)}") from None


def _hint(full: str) -> str:
    """What to write for names that need quotes, and for ``items.0``."""
    found = [bare for bare in _BARE.findall(full) if not re.fullmatch(_NAME, bare)]
    if "?" in full or not found or any(set(bare) & set("|&^~#\n") for bare in found):
        return ""
    for bare in found:
        full = full.replace(f".{bare}", f"[{bare}]" if bare.isdecimal() else f"[{_quoted(bare)}]", 1)
    return f"; write {full}"


@cache
def _environment() -> Any:
    """The library's, held to the letter of the RFC where it is lenient.

    Names without quotes have no hyphen; a filter's regular expression that does not compile is an error and does not
    silently match nothing; filters are not cached on paths that several threads share.
    """
    import jsonpath
    from jsonpath import function_extensions as functions
    from jsonpath.filter import StringLiteral

    class Lexer(jsonpath.Lexer):
        key_pattern = "[\u0080-\ud7ff\ue000-\U0010ffffa-zA-Z_][\u0080-\ud7ff\ue000-\U0010ffffa-zA-Z0-9_]*"

    class Environment(jsonpath.JSONPathEnvironment):
        lexer_class = Lexer

        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            self.function_extensions["match"] = functions.Match(debug=True, thread_safe=True)
            self.function_extensions["search"] = functions.Search(debug=True, thread_safe=True)

        def validate_function_extension_signature(self, token: Any, args: list[Any]) -> list[Any]:
            args = super().validate_function_extension_signature(token, args)
            if token.value in {"match", "search"} and isinstance(args[1], StringLiteral):
                self.function_extensions[token.value].check_cache(args[1].value)  # type: ignore[attr-defined]
            return args

    return Environment(strict=True, filter_caching=False)


def _follow(compiled: Any, data: Any) -> list[Node]:
    import jsonpath

    try:
        return [(match.parts, match.obj) for match in compiled.finditer(data)]
    except (jsonpath.JSONPathError, RecursionError) as wrong:
        reason = str(wrong.args[0]) if wrong.args else type(wrong).__name__
        raise PathError(reason) from None
