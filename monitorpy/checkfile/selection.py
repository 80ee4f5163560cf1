"""Which checks to run: ``-k EXPR`` and ``--tag TAG``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from monitorpy.core.spec import CheckSpec
from monitorpy.errors import UsageError

_TOKEN = re.compile(r"\s*(?:([()])|\"([^\"]*)\"|([^\s()\"]+))")
_NESTED = 50

Matcher = Callable[[CheckSpec], bool]


def select(specs: Iterable[CheckSpec], expression: str | None = None, tags: Iterable[str] = ()) -> list[CheckSpec]:
    """The checks that the expression matches and that have one of the tags (any, where none is named).

    Raises UsageError for an expression that cannot be read.
    """
    matches = parse(expression) if expression is not None else lambda _: True
    wanted = set(tags)
    return [spec for spec in specs if matches(spec) and (not wanted or wanted & set(spec.tags))]


def parse(expression: str) -> Matcher:
    """As pytest's -k: words that a check's id, group or tags contain, whatever their case, with and, or, not and ( )."""
    return _Parser(expression).parse()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(_tokens(expression))
        self._depth = 0

    def parse(self) -> Matcher:
        if not self._tokens:
            raise UsageError("-k: the expression is empty")
        found = self._either()
        if self._tokens:
            raise self._error(f"unexpected {self._tokens[0][0]!r}")
        return found

    def _either(self) -> Matcher:
        parts = [self._both()]
        while self._accept("or"):
            parts.append(self._both())
        return lambda spec: any(part(spec) for part in parts)

    def _both(self) -> Matcher:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        return lambda spec: all(part(spec) for part in parts)

    def _one(self) -> Matcher:
        self._depth += 1
        if self._depth > _NESTED:
            raise self._error("nested too deep")
        try:
            if self._accept("not"):
                part = self._one()
                return lambda spec: not part(spec)
            if self._accept("("):
                part = self._either()
                if not self._accept(")"):
                    raise self._error("a ) is missing")
                return part
            return self._word()
        finally:
            self._depth -= 1

    def _word(self) -> Matcher:
        if not self._tokens:
            raise self._error("a word is missing at the end")
        word, quoted = self._tokens.pop(0)
        if not quoted and word in {"and", "or", ")"}:
            raise self._error(f"a word is missing before {word!r}")
        if not word:
            raise self._error("a word is missing between the quotes")  # every name contains the empty text
        wanted = word.lower()
        return lambda spec: any(wanted in name.lower() for name in (spec.id, spec.group or "", *spec.tags))

    def _accept(self, word: str) -> bool:
        if self._tokens and self._tokens[0] == (word, False):
            self._tokens.pop(0)
            return True
        return False

    def _error(self, what: str) -> UsageError:
        return UsageError(f"-k: {what} in {self._expression!r}")


def _tokens(expression: str) -> Iterable[tuple[str, bool]]:
    """Words, and whether they were quoted."""
    at = 0
    while found := _TOKEN.match(expression, at):
        at = found.end()
        parenthesis, quoted, word = found.groups()
        yield (parenthesis or word, False) if quoted is None else (quoted, True)
    if expression[at:].strip():
        raise UsageError(f'-k: a " is missing in {expression!r}')
