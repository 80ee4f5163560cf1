"""A dialogue in steps: how it is written, and how it is gone through. Importing this module imports pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from monitorpy.core.dialogue_fields import Found, TalkOptions, Wanted
from monitorpy.core.result import Failure
from monitorpy.errors import NetError
from monitorpy.net.dialogue import LIMIT, Dialogue
from monitorpy.net.received import as_text, in_hex, quoted
from monitorpy.net.starttls import StartTls

Handshake: TypeAlias = Literal[True] | StartTls
"""The TLS handshake now, or after the protocol of that name has asked for it."""

_REFERENCE = re.compile(r"\\(?:([1-9]\d?)|g<(\w+)>)")
"""A group in a text to send; any other backslash is one."""

_LONGEST = 1_000
"""Bytes of a captured value that are sent back."""


class Step(TalkOptions):
    """One step of a dialogue: exactly one of these."""

    starttls: Handshake | None = Field(
        None, description="The TLS handshake: true does it now, the name of a protocol asks for it first, from the greeting on."
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        names = sorted(type(self).model_fields)
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a step is exactly one of {', '.join(names)}, not {' and '.join(given) or 'none'}")
        return self


def step_problems(steps: Sequence[Step]) -> Iterator[str]:
    """What in a dialogue contradicts itself, or would not be looked at; steps count from 1."""
    if not any(step.wanted or step.starttls for step in steps):
        yield "a dialogue without an expect step would find nothing wrong, ever"
    if sum(step.starttls is not None for step in steps) > 1:
        yield "starttls is possible once only"
    groups: frozenset[str] | None = None
    for number, step in enumerate(steps, 1):
        if isinstance(step.starttls, str) and number > 1:
            yield f"step {number}: starttls: {step.starttls} begins with the greeting: it must be the first step, or write starttls: true"
        groups = step.expect_regex.groups if step.expect_regex else groups
        yield from (f"step {number}: {wrong}" for wrong in _unknown_groups(step.send or "", groups))


def _unknown_groups(text: str, groups: frozenset[str] | None) -> Iterator[str]:
    for found in _REFERENCE.finditer(text):
        if groups is None:
            yield f"{found[0]} stands for what an expect_regex captured, and there is none before it (send_hex sends any bytes)"
        elif (found[1] or found[2]) not in groups:
            yield f"{found[0]} is no group of the expect_regex before it"


class Conversation:
    """A dialogue under way. ``secure`` does the handshake of a starttls step.

    Its methods return what was expected where something else came. They raise NetError when nothing came, or the peer broke off.
    """

    def __init__(self, dialogue: Dialogue, secure: Callable[[Handshake], None]) -> None:
        self._dialogue = dialogue
        self._secure = secure
        self._taken = bytearray()
        self._found: Found | None = None

    @property
    def heard(self) -> bytes:
        """The first bytes, as many as a dialogue may hold, of all that the peer has said."""
        return bytes(self._taken + self._dialogue.pending)[:LIMIT]

    def say(self, data: bytes, *, last: bool = False) -> None:
        """Send, and forget what has come until now: it is no answer to this. After the ``last`` our side ends."""
        self._take()
        self._dialogue.send(data)
        if last:
            self._dialogue.half_close()

    def expect(self, wanted: Wanted) -> Failure | None:
        """Read until it is found; it stays pending."""
        return self._read(wanted)[1]

    def follow(self, steps: Sequence[Step]) -> Failure | None:
        """Go through the steps; the first one that fails is the last one. What is found is taken, up to its end."""
        for number, step in enumerate(steps, 1):
            with _told(number):
                failure = self._go(step)
            if failure:
                return replace(failure, message=f"step {number}: {failure}")
        return None

    def _go(self, step: Step) -> Failure | None:
        if step.starttls:
            self._handshake(step.starttls)
        elif step.wanted:
            found, failure = self._read(step.wanted[0])
            if found:
                self._take(found.end)
                self._found = found if found.match else self._found
            return failure
        else:
            self.say(b"".join(self._filled(step.send)) if step.send else step.payload)
        return None

    def _handshake(self, how: Handshake) -> None:
        if pending := self._dialogue.pending:
            message = f"{self._dialogue.peer} sent {quoted(pending)} in clear text before the TLS handshake"
            raise NetError(f"{message}: if it belongs to its answer, expect the answer up to its end", phase="tls", kind="protocol")
        self._secure(how)

    def _read(self, wanted: Wanted) -> tuple[Found | None, Failure | None]:
        self._dialogue.shown = in_hex if wanted.binary else quoted
        try:
            return self._dialogue.read_for(lambda data: wanted.find(data) if data else None, wanted.what), None
        except NetError as error:
            pending = self._dialogue.pending
            if not pending or isinstance(error.__cause__, OSError):
                raise
            actual = in_hex(pending) if wanted.binary else as_text(pending)
            return None, Failure(
                "received", wanted.what, actual, message=f"expected {wanted.what}: {str(error).replace(wanted.what, 'it', 1)}"
            )

    def _take(self, size: int | None = None) -> None:
        self._taken += self._dialogue.take(size)
        del self._taken[LIMIT:]

    def _filled(self, text: str) -> Iterable[bytes]:
        at = 0
        for found in _REFERENCE.finditer(text):
            yield text[at : found.start()].encode()
            yield self._captured(found[0], found[1] or found[2])
            at = found.end()
        yield text[at:].encode()

    def _captured(self, reference: str, name: str) -> bytes:
        assert self._found is not None  # step_problems says so
        value = self._found.group(name)
        if value is None:
            raise NetError(f"{reference} captured nothing in {quoted(self._found.data)}", phase="send", kind="expectation")
        if len(value) > _LONGEST:
            raise NetError(f"{reference} captured {len(value)} bytes, at most {_LONGEST} are sent back", phase="send", kind="expectation")
        return value


@contextmanager
def _told(number: int) -> Iterator[None]:
    try:
        yield
    except NetError as error:
        raise NetError(f"step {number}: {error}", phase=error.phase, kind=error.kind, fault=error.fault) from error
