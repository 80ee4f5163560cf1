"""The contract of a plugin, as one call that raises AssertionError where the plugin breaks it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

from monitorpy.core.plugin_base import MonitorPlugin, declared_config
from monitorpy.core.registry import registry, run_check
from monitorpy.core.result import CheckResult

THREADS = 8


def check_plugin(
    plugin: type[MonitorPlugin], config: Mapping[str, Any], *, statuses: Collection[str] = CheckResult.VALID_STATUSES
) -> CheckResult:
    """Hold a registered plugin to its contract with a config that it accepts; returns what the check found.

    Asked, in this order: it is registered and describes itself; it names its keys, and the config has no others; each missing
    required key, a null in its place, and (where a Config is declared) an unknown key are error results, never a pass and
    never an exception; the check answers with a CheckResult of one of the ``statuses`` without crashing, whose raw data are
    plain JSON; it leaves the config and the class as they were; and it finds the same on 8 threads at once, twice.

    The check runs about twenty times: point the config at a server of the test's own.
    """
    name = _registered_name(plugin)
    _describes_itself(plugin, config)
    _refuses_bad_configs(plugin, name, config)
    result = _answers(plugin, name, config, statuses)
    _is_plain_json(plugin, result)
    _is_thread_safe(plugin, name, config, result)
    return result


def _registered_name(plugin: type[MonitorPlugin]) -> str:
    name = getattr(plugin, "registered_name", None)
    assert isinstance(name, str), f"{plugin.__name__} is not registered: decorate it with @register_plugin(NAME)"
    assert registry.get(name) is plugin, f"the name {name!r} belongs to {registry.get(name).__name__}, not to {plugin.__name__}"
    return name


def _describes_itself(plugin: type[MonitorPlugin], config: Mapping[str, Any]) -> None:
    assert plugin.get_description(), f"{plugin.__name__} has no description: write a docstring"
    required, optional = plugin.get_required_config(), plugin.get_optional_config()
    for keys in (required, optional):
        assert isinstance(keys, list), f"{plugin.__name__}: keys must be a list, not {keys!r}"
        assert all(isinstance(key, str) for key in keys), f"{plugin.__name__}: keys must be text, not {keys!r}"
    both = sorted({*required} & {*optional})
    assert not both, f"{plugin.__name__}: required and optional at once: {', '.join(both)}"
    missing = [key for key in required if key not in config]
    assert not missing, f"the config given to check_plugin lacks {', '.join(missing)}"
    unknown = sorted(config.keys() - {*required, *optional})
    assert not unknown, f"{plugin.__name__} does not name {', '.join(unknown)}: in a check file an unknown key is an error"


def _refuses_bad_configs(plugin: type[MonitorPlugin], name: str, config: Mapping[str, Any]) -> None:
    for key in plugin.get_required_config():
        without = {k: v for k, v in config.items() if k != key}
        _is_refused(plugin, name, without, f"without {key!r}")
        _is_refused(plugin, name, {**config, key: None}, f"with null for {key!r}")
    if declared_config(plugin):
        _is_refused(plugin, name, {**config, "no_such_key": 1}, "with an unknown key")


def _is_refused(plugin: type[MonitorPlugin], name: str, config: Mapping[str, Any], what: str) -> None:
    result = run_check(name, config)
    assert result.is_error(), f"{plugin.__name__} {what} is a {result.status}: {result.message}"
    assert result.fault == "config", f"{plugin.__name__} {what} is not refused in validation: {result.fault}: {result.message}"


def _answers(plugin: type[MonitorPlugin], name: str, config: Mapping[str, Any], statuses: Collection[str]) -> CheckResult:
    before, members = deepcopy(dict(config)), dict(vars(plugin))
    result = run_check(name, config)
    assert result.fault not in {"config", "plugin"}, f"{plugin.__name__} does not work: {result.message}\n{_traceback(result)}"
    assert result.status in statuses, f"{plugin.__name__} found {result.status}, expected {' or '.join(statuses)}: {result.message}"
    assert result.message, f"{plugin.__name__} says nothing: a result needs a message"
    assert dict(config) == before, f"{plugin.__name__} changed its config: {config!r}, was {before!r}"
    changed = [key for key, value in vars(plugin).items() if members.get(key) is not value]
    assert not changed, f"{plugin.__name__} keeps state on the class: {', '.join(changed)}"
    return result


def _traceback(result: CheckResult) -> str:
    return str((result.raw_data or {}).get("traceback", ""))


def _is_plain_json(plugin: type[MonitorPlugin], result: CheckResult) -> None:
    """Expectations see the raw data as the plugin gave them: a tuple or a datetime would compare equal to nothing in YAML."""
    try:
        back = json.loads(json.dumps(result.raw_data, allow_nan=False))
    except (TypeError, ValueError) as wrong:
        raise AssertionError(f"raw data of {plugin.__name__} are not plain JSON: {wrong}") from None
    assert back == result.raw_data, f"raw data of {plugin.__name__} are not plain JSON: {result.raw_data!r} becomes {back!r}"
    assert CheckResult.from_dict(result.to_dict()) == result


def _is_thread_safe(plugin: type[MonitorPlugin], name: str, config: Mapping[str, Any], alone: CheckResult) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(2):
            for result in threads.map(lambda _: run_check(name, config), range(THREADS)):
                assert result.status == alone.status, (
                    f"{plugin.__name__} alone finds {alone.status} ({alone.message}), next to others {result.status} ({result.message})"
                )
