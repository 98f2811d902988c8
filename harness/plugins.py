"""The book of plug-ins: a module signs in once with ``@register("probes", "web")``.

Built-in plug-ins are found by file name in the package of their kind; foreign ones through
the entry-point group ``accredit.<kind>``, whose entry loads the module that signs in.
Loading is lazy by kind and loud on failure; a name is taken once.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar

from harness.errors import UsageError, known

PACKAGES = {
    "probes": "probes",
    "lines": "probes.lines",
    "fleets": "probes.fleet",
    "clients": "probes.clients",
    "worlds": "probes.range",
    "corpora": "corpora",
    "importers": "corpora.importers",
    "exporters": "corpora.exporters",
    "reporters": "reports",
    "documents": "reports.documents",
    "exports": "reports.exports",
}
"""Where the built-in plug-ins of each kind live. Names, not imports: harness imports no room."""

Plugin = TypeVar("Plugin")

_book: dict[str, dict[str, Any]] = {}
_loaded: set[str] = set()


def register(kind: str, name: str) -> Callable[[Plugin], Plugin]:
    """Sign a plug-in into the book under ``kind`` and ``name``.

    Raises UsageError if the kind is unknown, or the name is taken by another object.
    """
    if kind not in PACKAGES:
        msg = f"no plug-in kind {kind!r}; {known(PACKAGES)}"
        raise UsageError(msg)

    def sign(plugin: Plugin) -> Plugin:
        names = _book.setdefault(kind, {})
        if name in names and not _is_same(names[name], plugin):
            msg = f"{kind} {name!r} is already taken by {_address(names[name])}"
            raise UsageError(msg)
        names[name] = plugin
        return plugin

    return sign


def find(kind: str, name: str) -> Any:
    """The plug-in of that kind and name. Raises UsageError naming those that are known."""
    plugins = load(kind)
    if name not in plugins:
        msg = f"no {kind[:-1]} {name!r}; {known(plugins)}"
        raise UsageError(msg)
    return plugins[name]


def load(kind: str) -> dict[str, Any]:
    """All plug-ins of a kind, by name, loading them on the first call."""
    if kind not in PACKAGES:
        msg = f"no plug-in kind {kind!r}; {known(PACKAGES)}"
        raise UsageError(msg)
    if kind not in _loaded:
        package = importlib.import_module(PACKAGES[kind])
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg and not module.name.startswith("_"):
                importlib.import_module(f"{PACKAGES[kind]}.{module.name}")
        for entry in entry_points(group=f"accredit.{kind}"):
            _load_foreign(kind, entry)
        _loaded.add(kind)
    return dict(sorted(_book.get(kind, {}).items()))


def _load_foreign(kind: str, entry: Any) -> None:
    try:
        entry.load()
    except Exception as error:
        owner = entry.dist.name if entry.dist else "?"
        msg = (
            f"{kind[:-1]} {entry.name!r} of package {owner!r} does not load: "
            f"{type(error).__name__}: {error}"
        )
        raise UsageError(msg) from error
    if entry.name not in _book.get(kind, {}):
        msg = (
            f"entry point {entry.name!r} loaded {entry.value!r}, which never signed "
            f'@register("{kind}", "{entry.name}")'
        )
        raise UsageError(msg)


def _address(plugin: Any) -> str:
    return f"{getattr(plugin, '__module__', '?')}.{getattr(plugin, '__qualname__', plugin)}"


def _is_same(one: Any, other: Any) -> bool:
    return _address(one) == _address(other)
