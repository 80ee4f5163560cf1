"""What to check: the frozen value that a check file is turned into and that `execute` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from monitorpy.core.expectations import Expectation
from monitorpy.core.result import Severity, Source
from monitorpy.utils.masking import Masker

RetryOn: TypeAlias = Literal["resolve", "connect", "tls", "timeout", "reset", "protocol", "expectation", "environment", "plugin"]


_NO_SECRETS = Masker()


@dataclass(frozen=True, slots=True)
class Retries:
    """Further attempts after the first: how many, seconds between them, for which kinds of failure.

    ``budget`` (seconds) bounds all attempts and delays together; None means as long as they may take.
    """

    count: int = 0
    delay: float = 0.0
    on: tuple[str, ...] = ("connect", "timeout")
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check, ready to run: variables are filled in, expectations compiled, the config accepted by its plugin.

    ``timeout`` is seconds for one attempt, everything included; None leaves it to the config's own timeout, then 10.
    ``severity`` is the worst the check can become. ``scope`` is the file that was loaded (not the included one): ids are
    unique and ``needs`` are looked up within it. ``masker`` knows every secret of the files it came from.
    """

    id: str
    plugin: str
    config: Mapping[str, Any] = field(default_factory=dict)
    expect: tuple[Expectation, ...] = ()
    group: str | None = None
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    retries: Retries = Retries()
    flaky: Literal["warning", "ok"] = "warning"
    needs: tuple[str, ...] = ()
    severity: Severity = "error"
    addresses: Literal["one", "all"] = "one"
    skip: str | None = None
    source: Source | None = None
    scope: str = ""
    masker: Masker = _NO_SECRETS

    @property
    def key(self) -> tuple[str, str]:
        """What names this check in a run over several files."""
        return self.scope, self.id

    @property
    def fixture(self) -> str | None:
        """The name in ``plugin: "fixture:NAME"``: only pytest can run such a check."""
        return self.plugin.removeprefix("fixture:") if self.plugin.startswith("fixture:") else None
