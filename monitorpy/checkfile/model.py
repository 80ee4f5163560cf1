"""The keys of a check file, their types and limits: what `validate` refuses and editors complete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from monitorpy.core.plugin_config import ConfigSection, Seconds
from monitorpy.core.result import Severity
from monitorpy.core.spec import RetryOn

VERSION = 1

_FIRST_PRINTABLE = 0x20
_DELETE = 0x7F


def name_problem(name: str) -> str | None:
    """Why a text cannot name a check or group: it becomes a part of a pytest node id."""
    if not name.strip():
        return "must not be empty"
    for forbidden in ("::", "[", "]"):
        if forbidden in name:
            return f'must not contain "{forbidden}"'
    return _control_problem(name)


def _control_problem(text: str) -> str | None:
    odd = next((c for c in text if ord(c) < _FIRST_PRINTABLE or ord(c) == _DELETE or c in "\x85\u2028\u2029"), None)
    return None if odd is None else f"must not contain the control character U+{ord(odd):04X}"


def _name(value: str) -> str:
    if problem := name_problem(value):
        raise ValueError(problem)
    return value


def _label(value: str) -> str:
    if problem := "must not be empty" if not value.strip() else _control_problem(value):
        raise ValueError(problem)
    return value


def _retries(value: Any) -> Any:
    if type(value) is int:
        return {"count": value}
    if not isinstance(value, dict | Retrying):
        raise ValueError("must be a number of further attempts, or {count, delay, on, budget}")
    return value


def _expected(value: Any) -> Any:
    if value is None or value == []:
        raise ValueError("has nothing under it: write an expectation, or leave expect out")
    return value


Name = Annotated[str, AfterValidator(_name)]
Label = Annotated[str, AfterValidator(_label)]


class Retrying(ConfigSection):
    """Further attempts after a failure."""

    count: int = Field(ge=0, le=1000, description="Further attempts after the first.")
    delay: float = Field(default=0.0, ge=0, le=86400, description="Seconds between attempts.")
    on: list[RetryOn] = Field(default=["connect", "timeout"], min_length=1, description="The kinds of failure that are tried again.")
    budget: Seconds | None = Field(default=None, description="Seconds for all attempts and delays together.")


class Common(ConfigSection):
    """What a check and the defaults of a file may both say."""

    group: Name | None = Field(default=None, description="A name that stands before the id: file::group::id.")
    tags: list[Label] = Field(default=[], description="Labels to select by: --tag, -m.")
    timeout: Seconds | None = Field(default=None, description="Seconds for one attempt, everything included.")
    retries: Annotated[Retrying, BeforeValidator(_retries, json_schema_input_type=int | Retrying)] | None = Field(
        default=None, description="Further attempts: a number, or count, delay, on and budget."
    )
    flaky: Literal["warning", "ok"] | None = Field(default=None, description='What a pass on a later attempt is; "warning" by default.')
    severity: Severity | None = Field(default=None, description="The worst that the check can become.")
    addresses: Literal["one", "all"] | None = Field(default=None, description='"all" tries every address of the host.')


class Defaults(Common):
    """Values for every check of the file that does not give its own."""

    config: dict[str, dict[str, Any]] = Field(default={}, description="For each plugin, config that is merged under the check's own.")


class Check(Common):
    """One check."""

    id: Name = Field(description="Unique within the file and what it includes.")
    plugin: Label = Field(description="What checks it: see monitorpy list; fixture:NAME takes a pytest fixture. plugin_type is the same.")
    config: dict[str, Any] = Field(default={}, description="What the plugin wants to know.")
    expect: Annotated[list[dict[str, Any]], BeforeValidator(_expected)] = Field(
        default=[], description="What must hold of the observation."
    )
    needs: list[Label] = Field(default=[], description="Ids of checks without which this one need not be tried.")
    skip: Label | None = Field(default=None, description="A reason not to run this check.")
    matrix: dict[str, list[Any]] | None = Field(default=None, description="Axes: one check for each combination of their values.")


class File(ConfigSection):
    """A check file."""

    version: Literal[1] = Field(default=1, description="The version of the format.")
    vars: dict[str, Any] = Field(default={}, description="Names for ${NAME}.")
    defaults: Defaults = Field(default=Defaults(), description="Values for checks that do not give their own.")
    include: list[Label] = Field(default=[], description="Files or globs, relative to this file; their checks come first.")
    checks: list[Any] = Field(default=[], description="The checks.")
