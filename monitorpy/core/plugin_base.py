"""What a plugin is: MonitorPlugin, and PluginTemplate that most plugins start from."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from threading import current_thread, main_thread
from time import perf_counter
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlsplit

from monitorpy.core.result import CheckResult, Failure, worst
from monitorpy.errors import ConfigError, ConfigIssue, MissingExtraError, NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.resolve import resolve
from monitorpy.utils.logging import get_logger
from monitorpy.utils.masking import MASK, active_masker, excerpt, sounds_secret

T = TypeVar("T")
logger = get_logger(__name__)

DEFAULT_TIMEOUT = 10.0
"""Seconds for one attempt where neither the check nor its config says otherwise."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the places where a target is: a host name, and an address of it (None: whatever it resolves to)."""

    host: str | None = None
    address: str | None = None


class MonitorPlugin(ABC):
    """A check of one kind. One instance is made for each attempt and thrown away after it.

    ``config`` is the dict as given. A plugin with a nested ``class Config(PluginConfig)`` finds it parsed in
    ``settings``. ``deadline`` bounds the attempt: hand it to every operation that may wait.
    ``address`` is set when the check wants every resolved address tried: connect to that one, keep the name for
    SNI and Host; ``endpoint`` is the one of `endpoints` that it belongs to. Phases that were reached go into ``phases`` (seconds).
    """

    cli_name: ClassVar[str | None] = None
    """The subcommand; the registered name where it is None."""
    target_keys: ClassVar[tuple[str, ...]] = ("url", "hostname", "host", "target", "domain")
    """Config keys that may name the target, the first one present counts."""

    pins_address: ClassVar[bool] = False
    """Whether the plugin honours ``address``; without it ``addresses: all`` is refused."""

    settings: Any = None
    address: str | None = None
    endpoint: Endpoint | None = None
    learned_secrets: frozenset[str] = frozenset()
    _deadline: Deadline | None = None

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config: dict[str, Any] = own_copy(config)
        self.phases: dict[str, float | None] = {}
        self._config_issues: list[ConfigIssue] = []
        if model := declared_config(type(self)):
            from monitorpy.core.plugin_config import parse_config

            try:
                self.settings = parse_config(model, self.config)
            except ConfigError as refused:
                self._config_issues = refused.issues

    @classmethod
    @abstractmethod
    def get_required_config(cls) -> list[str]:
        """The config keys that must be there."""

    @classmethod
    def get_optional_config(cls) -> list[str]:
        """The config keys that may be there."""
        if model := declared_config(cls):
            return [name for name, field in model.model_fields.items() if not field.is_required()]
        return []

    @classmethod
    def get_description(cls) -> str:
        """The first line of the class docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @abstractmethod
    def validate_config(self) -> bool:
        """Whether the check can be tried with this config."""

    @abstractmethod
    def run_check(self) -> CheckResult:
        """Do the check and judge it."""

    def get_id(self) -> str:
        """A name for this instance: the plugin's name and its target."""
        name = getattr(type(self), "registered_name", type(self).__name__)
        return f"{name}:{target}" if (target := self.get_target()) else str(name)

    def get_target(self) -> str | None:
        """What is looked at, in one word, for reports and for the limit of checks on one host."""
        return target_in(self.config, self.target_keys)

    def get_host(self) -> str | None:
        """The host name or address in the target."""
        return host_in(self.get_target())

    def endpoints(self) -> list[Endpoint]:
        """What ``addresses: all`` tries, each with an instance of its own: the addresses of the host. Raises ConfigError and NetError."""
        host = self.get_host()
        if host is None:
            raise ConfigError(ConfigIssue((), "addresses: all is not possible here: the config names no host to resolve"))
        found = resolve(host, 0, self.deadline, self.config.get("ip_family", "any"))
        return [Endpoint(host, address.host) for address in found]

    def get_secrets(self) -> set[str]:
        """What must not show in any output: the values declared SecretStr. Add forms in which they travel ("user:password" in base64)."""
        if self.settings is None:
            return set()
        from monitorpy.core.plugin_config import secret_values

        return set(secret_values(self.settings))

    def learn_secret(self, secret: str) -> None:
        """Have a secret masked that came up during the check, such as a token that was issued for it."""
        self.learned_secrets |= {secret}
        active_masker.set(active_masker.get() | {secret})

    def config_issues(self) -> list[ConfigIssue]:
        """Every mistake in the config: the declared model's, or the required keys that are missing."""
        if declared_config(type(self)):
            return self._config_issues
        missing = [key for key in self.get_required_config() if key not in self.config]
        return [ConfigIssue((), f"missing required key {key!r}") for key in missing]

    @property
    def deadline(self) -> Deadline:
        """The deadline of this attempt; one of the config's ``timeout`` (10 s) where nobody set one."""
        if self._deadline is None:
            seconds = getattr(self.settings, "timeout", None) or self.config.get("timeout") or DEFAULT_TIMEOUT
            self._deadline = Deadline(float(seconds))
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline = deadline


class PluginTemplate(MonitorPlugin):
    """A plugin with everything but the check itself: override ``_execute_check`` and say which keys are required."""

    @classmethod
    def get_required_config(cls) -> list[str]:
        if model := declared_config(cls):
            return [name for name, field in model.model_fields.items() if field.is_required()]
        return []

    def get_config_value(self, key: str, default: Any = None, validator: Callable[[Any], bool] | None = None) -> Any:
        """The value of a key, or the default where it is absent.

        Raises ConfigError (a ValueError) naming the key and the value when the validator refuses it, or raises itself.
        """
        if key not in self.config:
            return default
        value = self.config[key]
        if validator is not None:
            try:
                accepted = validator(value)
            except Exception as error:  # noqa: BLE001 - a validator that chokes on a value refuses it
                raise ConfigError(ConfigIssue((key,), f"invalid value {_shown(key, value)} ({type(error).__name__}: {error})")) from None
            if not accepted:
                raise ConfigError(ConfigIssue((key,), f"invalid value {_shown(key, value)}"))
        return value

    def basic_config_validation(self) -> bool:
        """Whether every required key is there (and the declared Config, if any, accepts everything); logs what is not."""
        issues = self.config_issues()
        for issue in issues:
            logger.error("%s: %s", type(self).__name__, issue)
        return not issues

    def validate_config(self) -> bool:
        return self.basic_config_validation()

    def run_check(self) -> CheckResult:
        """Validate, execute and never raise: a refused config, a broken connection or a crash is an error result."""
        return guarded(self._validated_check, self.phases)

    def _validated_check(self) -> CheckResult:
        require_valid(self)
        return settled(self, self._execute_check())

    def _execute_check(self) -> CheckResult:
        """The check itself. Raise NetError, or anything: the template makes an error result of it."""
        raise NotImplementedError(f"{type(self).__name__} must override _execute_check()")

    def success_result(self, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None) -> CheckResult:
        return CheckResult.success(message, response_time, raw_data, phases=dict(self.phases))

    def warning_result(self, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None) -> CheckResult:
        return CheckResult.warning(message, response_time, raw_data, phases=dict(self.phases))

    def error_result(self, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None) -> CheckResult:
        return CheckResult.error(message, response_time, raw_data, phases=dict(self.phases))

    def broken_result(self, broken: NetError, response_time: float = 0.0, raw_data: dict[str, Any] | None = None) -> CheckResult:
        """The error that a conversation which broke off is, with what was observed until then."""
        result = self.error_result(str(broken), response_time, {**(raw_data or {}), "phase": broken.phase})
        return result.changed(fault=broken.fault, kind=broken.kind)

    def judged_result(
        self, message: str, failures: Iterable[Failure], response_time: float = 0.0, raw_data: dict[str, Any] | None = None
    ) -> CheckResult:
        """The verdict over expectations: the worst severity among the failures, all of them in the message; else success."""
        failures = tuple(failures)
        status = worst(f.severity for f in failures)
        text = "; ".join(map(str, failures)) or message
        result = CheckResult(status, text, response_time, raw_data, phases=dict(self.phases), failures=failures)
        return result.changed(fault="target", kind="expectation") if result.is_error() else result

    def timed_execution(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> tuple[T, float]:
        """Call the function; returns its result and the seconds it took. An exception passes through."""
        started = perf_counter()
        result = func(*args, **kwargs)
        return result, perf_counter() - started


def settled(plugin: MonitorPlugin, found: T | Awaitable[T]) -> T:
    """What a check returned; a coroutine is run to its end first, within the plugin's deadline."""
    if not isinstance(found, Awaitable):
        return found
    from monitorpy.core.coroutines import awaited

    return cast(T, awaited(found, plugin.deadline))


def require_valid(plugin: MonitorPlugin) -> None:
    """Raise ConfigError with every reason if the plugin's config is refused."""
    if not plugin.validate_config():
        raise ConfigError(*(plugin.config_issues() or [ConfigIssue((), "the configuration was refused by validate_config()")]))


def own_copy(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config that may be changed without another attempt, or another check with the same defaults, noticing."""
    return {key: deepcopy(value) if isinstance(value, dict | list) else value for key, value in dict(config).items()}


def target_in(config: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first text under one of the keys."""
    return next((value for key in keys if isinstance(value := config.get(key), str)), None)


def host_in(target: str | None) -> str | None:
    """The host of a URL; anything else is one."""
    if target and "://" in target:
        try:
            return urlsplit(target).hostname
        except ValueError:
            return None
    return target


def declared_config(plugin: type) -> Any:
    """The nested ``Config`` model of a declared plugin, or None (typed Any so that pydantic need not be imported)."""
    return getattr(plugin, "Config", None)


def guarded(call: Callable[[], Any], phases: dict[str, float | None] | None = None) -> CheckResult:
    """Call a check and make a CheckResult of whatever happens.

    This is the one place that catches everything: whatever a plugin does must become a verdict, because an exception
    that got lost on the way would be a check that nobody ran.
    """
    started = perf_counter()

    def failed(message: str, fault: Any, kind: Any, raw: dict[str, Any] | None = None) -> CheckResult:
        return CheckResult.error(message, perf_counter() - started, raw, phases=dict(phases or {}), fault=fault, kind=kind)

    try:
        result = call()
    except NetError as broken:
        return failed(str(broken), broken.fault, broken.kind, {"phase": broken.phase})
    except ConfigError as refused:
        return failed(str(refused), "config", "config")
    except MissingExtraError as missing:
        return failed(str(missing), "environment", "environment")
    except BaseException as crash:
        if not isinstance(crash, Exception | SystemExit) and current_thread() is main_thread():
            raise  # Ctrl-C, or an outcome such as pytest.skip() that is for the caller
        message = f"the plugin crashed: {type(crash).__name__}: {crash}"
        return failed(
            message, "plugin", "plugin", {"traceback": "".join(traceback.format_exception(crash)), "exception": type(crash).__name__}
        )
    if not isinstance(result, CheckResult):
        got = "None" if result is None else f"{type(result).__name__} {excerpt(repr(result), 80)}"
        return failed(f"a check must return a CheckResult, not {got}", "plugin", "plugin")
    return result


def _shown(key: str, value: Any) -> str:
    return MASK if sounds_secret(key) else excerpt(repr(value), 200)
