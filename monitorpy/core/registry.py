"""Which plugins exist: built-in ones by name, others by ``@register_plugin`` or the entry point group ``monitorpy.plugins``."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from threading import RLock
from time import perf_counter
from typing import Any, ClassVar, TypeVar

from monitorpy.core.plain import masked
from monitorpy.core.plugin_base import Endpoint, MonitorPlugin, PluginTemplate, guarded, require_valid, settled
from monitorpy.core.result import CheckResult
from monitorpy.errors import ConfigError, ConfigIssue
from monitorpy.net.deadline import Deadline
from monitorpy.utils.masking import Masker, active_masker

ENTRY_POINT_GROUP = "monitorpy.plugins"

Check = Callable[[dict[str, Any]], CheckResult]
AsyncCheck = Callable[[dict[str, Any]], Awaitable[CheckResult]]
RegisteredT = TypeVar("RegisteredT", bound=type[MonitorPlugin] | Check | AsyncCheck)


@dataclass(frozen=True, slots=True)
class Builtin:
    """Where a built-in plugin lives; known without importing it."""

    module: str
    cli_name: str
    summary: str


BUILTINS: Mapping[str, Builtin] = {
    "website_status": Builtin("monitorpy.plugins.website_status", "website", "An HTTP(S) answer: status, headers, body, time."),
    "ssl_certificate": Builtin("monitorpy.plugins.ssl_certificate", "ssl", "A TLS certificate: expiry, chain, host name."),
    "dns_record": Builtin("monitorpy.plugins.dns_record", "dns", "DNS records, compared as a whole set."),
    "mail_server": Builtin("monitorpy.plugins.mail_server", "mail", "An SMTP, IMAP or POP3 server: banner, STARTTLS, login."),
    "tcp_port": Builtin("monitorpy.plugins.tcp_port", "tcp", "A TCP port: open, closed, or a dialogue."),
    "ping": Builtin("monitorpy.plugins.ping", "ping", "A host that answers ping: packet loss, round-trip time."),
    "udp": Builtin("monitorpy.plugins.udp", "udp", "A UDP service: one datagram, and the answer to it."),
    "grpc_health": Builtin("monitorpy.plugins.grpc_health", "grpc", "The health service of a gRPC server."),
    "websocket": Builtin("monitorpy.plugins.websocket", "websocket", "A WebSocket: handshake, message and answer, ping."),
    "sample_monitor": Builtin("monitorpy.plugins.sample_template", "sample", "The example plugin of docs/writing_plugins.md."),
}


class FunctionPlugin(PluginTemplate):
    """A plugin made of a function ``(config: dict) -> CheckResult``, async or not; it takes any config."""

    function: ClassVar[Callable[[dict[str, Any]], Any]]

    def _execute_check(self) -> Any:
        return type(self).function(self.config)


class Registry:
    """Plugins by name. Registering is loud: a name that is taken by something else is refused, naming both."""

    def __init__(self) -> None:
        self._plugins: dict[str, type[MonitorPlugin]] = {}
        self._entry_points: dict[str, Any] | None = None
        self._lock = RLock()

    @property
    def plugins(self) -> dict[str, type[MonitorPlugin]]:
        """The classes registered so far; what is only known by name is not in it yet."""
        return dict(self._plugins)

    def register(self, name: str, cls: type[MonitorPlugin]) -> None:
        """Add a class. TypeError if it is no MonitorPlugin; ValueError if the name is taken by another class."""
        _check_types(name, cls)
        with self._lock:
            taken = self._plugins.get(name)
            if taken is None and name in BUILTINS and BUILTINS[name].module != cls.__module__:
                taken = self.get(name)
            if taken is not None and not _same(taken, cls):
                raise ValueError(f"plugin name {name!r} is taken by {_origin(taken)}; {_origin(cls)} cannot have it too")
            self._plugins[name] = cls
            cls.registered_name = name  # type: ignore[attr-defined]

    def get(self, name: str) -> type[MonitorPlugin]:
        """The class of that name, imported now if need be. ValueError "Plugin 'x' not found in registry", with a hint."""
        with self._lock:
            if name not in self._plugins:
                self._load(name)
            if name in self._plugins:
                return self._plugins[name]
        near = get_close_matches(str(name), self.get_plugin_names(), 1, 0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(self.get_plugin_names())}"
        raise ConfigError(ConfigIssue((), f"Plugin {name!r} not found in registry{hint}"))

    def __contains__(self, name: object) -> bool:
        return name in self._plugins or name in BUILTINS or name in self._found_entry_points()

    def get_plugin(self, name: str, config: Mapping[str, Any]) -> MonitorPlugin:
        """A new instance for that config. ValueError if there is no such plugin."""
        return self.get(name)(config)

    def get_plugin_names(self) -> list[str]:
        """All names, sorted: registered, built in, and installed by other packages."""
        return sorted({*self._plugins, *BUILTINS, *self._found_entry_points()})

    def get_all_plugins(self) -> dict[str, dict[str, Any]]:
        """{name: {description, required_config, optional_config}}; imports every plugin."""
        classes = {name: self.get(name) for name in self.get_plugin_names()}
        return {
            name: {
                "description": cls.get_description(),
                "required_config": cls.get_required_config(),
                "optional_config": cls.get_optional_config(),
            }
            for name, cls in classes.items()
        }

    def _load(self, name: str) -> None:
        if name in BUILTINS:
            module = importlib.import_module(BUILTINS[name].module)
            if name not in self._plugins:  # imported before, for another registry
                self._plugins[name] = next(v for v in vars(module).values() if getattr(v, "registered_name", None) == name)
        elif name in (found := self._found_entry_points()):
            loaded = found[name].load()
            if name not in self._plugins:  # importing it may have registered it
                register_plugin(name, self)(loaded)

    def _found_entry_points(self) -> dict[str, Any]:
        if self._entry_points is None:  # looked up once, and only when a name is not built in: it costs 20 to 50 ms
            from importlib.metadata import entry_points

            self._entry_points = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
        return self._entry_points


registry = Registry()
"""The registry that every front end uses."""


def register_plugin(name: str, target: Registry | None = None) -> Callable[[RegisteredT], RegisteredT]:
    """Decorator: register a MonitorPlugin class, or a function ``(config: dict) -> CheckResult``, which comes back unchanged.

    An ``async def`` runs on an event loop of its own, and is cancelled at the deadline of the attempt.
    """

    def decorate(thing: RegisteredT) -> RegisteredT:
        chosen = target or registry
        if isinstance(thing, type) or not callable(thing):
            chosen.register(name, thing)
        else:
            chosen.register(name, _plugin_of(thing))
        return thing

    return decorate


def run_check(plugin_name: str, config: Mapping[str, Any], *, deadline: Deadline | None = None, address: str | None = None) -> CheckResult:
    """One attempt of a check, in this thread; never raises: an unknown plugin, a bad config or a crash is an error result.

    ``deadline`` bounds it (default: the config's ``timeout``, 10 s), ``address`` pins the address of the target.
    Values declared SecretStr are masked.
    """
    token = active_masker.set(active_masker.get())
    try:
        return masked(*attempt(plugin_name, config, deadline=deadline, endpoint=Endpoint(address=address)))
    finally:
        active_masker.reset(token)


def attempt(
    plugin_name: str, config: Mapping[str, Any], *, deadline: Deadline | None = None, endpoint: Endpoint | None = None
) -> tuple[CheckResult, Masker]:
    """What run_check does before anything is masked, as expectations must see what was observed; and the masker to apply.

    A response time that the plugin left at 0.0 is measured. The plugin's secrets are added to the active masker: logs
    and excerpts are masked at once. The caller resets it.
    """
    started = perf_counter()
    masker = Masker()
    target: str | None = None

    def call() -> CheckResult:
        nonlocal masker, target
        if not isinstance(config, Mapping):
            raise ConfigError(ConfigIssue((), f"config must be a mapping, not {type(config).__name__}"))
        plugin = registry.get_plugin(plugin_name, config)
        plugin.endpoint, plugin.address = endpoint, endpoint.address if endpoint else None
        target = plugin.get_target()
        if deadline is not None:
            plugin.deadline = deadline
        masker = Masker(plugin.get_secrets())
        active_masker.set(active_masker.get() | masker.secrets)
        require_valid(plugin)
        done = settled(plugin, plugin.run_check())
        masker |= plugin.learned_secrets
        return done

    result = guarded(call)
    if result.response_time == 0.0:
        result = result.changed(response_time=perf_counter() - started)
    if target is not None and result.fault is not None and result.target is None:  # nothing was observed: say at least of whom
        result = result.changed(raw_data={"target": target, **(result.raw_data or {})})
    return result, masker


def _plugin_of(function: Check | AsyncCheck) -> type[MonitorPlugin]:
    """A plugin class around a function (or another callable), named as it is."""
    name = getattr(function, "__name__", type(function).__name__)
    body = {
        "function": staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": getattr(function, "__qualname__", name),
    }
    return type(name, (FunctionPlugin,), body)


def _check_types(name: object, cls: object) -> None:
    if not (isinstance(cls, type) and issubclass(cls, MonitorPlugin)):
        raise TypeError(f"plugin {name!r} must be a subclass of MonitorPlugin, not {cls!r}")
    if not isinstance(name, str) or not name or name.startswith("fixture:"):
        raise ValueError(f"a plugin's name must be text, not empty, not 'fixture:...': {name!r}")


def _same(one: type, other: type) -> bool:
    """Whether it is the same definition, imported again under another module object (reload, pytest's importlib mode)."""
    return one is other or (_origin(one) == _origin(other))


def _origin(cls: type) -> str:
    """``module.name (file:line)`` of a class or of the function that it stands for."""
    function = cls.__dict__.get("function")
    thing: Any = function.__func__ if function is not None else cls
    found = [thing, *(getattr(member, "__func__", member) for member in vars(cls).values())]
    code = next((code for member in found if (code := getattr(member, "__code__", None))), None)
    return f"{thing.__module__}.{thing.__qualname__}" + (f" ({code.co_filename}:{code.co_firstlineno})" if code else "")
