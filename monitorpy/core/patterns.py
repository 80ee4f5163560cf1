"""Regular expressions of users, over texts of peers: neither may keep us busy for ever."""

from __future__ import annotations

import warnings
from typing import Any

from monitorpy.errors import ConfigError, ConfigIssue

SEARCH_SECONDS = 1.0
"""How long one search may take. `re` cannot be bounded, and holds the interpreter while it backtracks: no watchdog would run."""


class Pattern:
    """A compiled regular expression of the `regex` package, which has `re`'s syntax and knows a timeout.

    Raises ValueError with the reason if it does not compile.
    """

    __slots__ = ("_compiled", "pattern")

    def __init__(self, pattern: str) -> None:
        import regex  # here, as it takes a while to import

        self.pattern = pattern
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a "possible nested set": pytest -W error would make a crash of it
                self._compiled = regex.compile(pattern)
        except (regex.error, OverflowError, RecursionError) as wrong:
            raise ValueError(str(wrong)) from None

    @property
    def groups(self) -> frozenset[str]:
        """What a match can be asked for: the numbers of the groups, "0" for all of it, and their names."""
        return frozenset({*map(str, range(self._compiled.groups + 1)), *self._compiled.groupindex})

    def search(self, text: str) -> Any:
        """The first match, as `re.search`. Raises ConfigError when it takes longer than SEARCH_SECONDS."""
        try:
            return self._compiled.search(text, timeout=SEARCH_SECONDS, concurrent=True)
        except TimeoutError:
            shown = f"/{self.pattern:.100}/ cannot be searched for within {SEARCH_SECONDS:g} s in {len(text)} characters"
            raise ConfigError(ConfigIssue((), f"{shown}: it backtracks too much, write it without nested repetition")) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __reduce__(self) -> tuple[Any, ...]:
        return Pattern, (self.pattern,)

    def __repr__(self) -> str:
        return f"Pattern({self.pattern!r})"
