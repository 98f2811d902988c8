"""Plug-ins: five kinds in typed tables, open to other packages by entry point.

Probes, lines, importers, exporters and documents are plug-ins. A module adds one with
``@PROBES.register("web")``. Built-in plug-ins are the modules of one package for each table;
those of other packages are found through the entry-point group ``accredit.<kind>``, whose entries
name the module that registers the plug-in. A table is loaded when it is first read.

Tables are defined where their types are known: ``PROBES`` and ``LINES`` here,
``corpora.read_list.LIST_IMPORTERS``, ``harness.interop.record.MEASUREMENT_IMPORTERS``,
``corpora.exporters.LIST_EXPORTERS``, ``reports.exports.JOURNAL_EXPORTERS`` and
``reports.documents.DOCUMENTS``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Generic, TypeVar

from harness.errors import UsageError, known
from harness.ports.network import LineType, Probe

KINDS = ("probes", "lines", "importers", "exporters", "documents")

Plugin = TypeVar("Plugin")


class PluginTable(Generic[Plugin]):
    """The plug-ins of one kind, by name.

    ``package`` holds the built-in ones, a module each. Where a kind has plug-ins of several
    types, each type has a table of its own, and ``of`` says what they read, yield or write; a
    name is taken once in all tables of a kind. ``registered`` are those of the modules imported
    so far; ``load`` gives all.
    """

    tables: ClassVar[dict[str, list[PluginTable[Any]]]] = {kind: [] for kind in KINDS}
    """Every table that was made, by kind. The type of their plug-ins is not known here."""

    def __init__(self, kind: str, package: str, *, of: str = "") -> None:
        self.kind = kind
        self.of = of
        self._package = package
        self.registered: dict[str, Plugin] = {}
        self.is_loaded = False
        self.tables[kind].append(self)

    def register(self, name: str) -> Callable[[Plugin], Plugin]:
        """Add the decorated class or function under ``name``.

        Raises UsageError if another plug-in of the kind has the name.
        """

        def add(plugin: Plugin) -> Plugin:
            for table in self.tables[self.kind]:
                taken = table.registered.get(name)
                if taken is not None and _address(taken) != _address(plugin):
                    msg = f"{self._singular} {name!r} is already taken by {_address(taken)}"
                    raise UsageError(msg)
            self.registered[name] = plugin
            return plugin

        return add

    def find(self, name: str) -> Plugin:
        """Return the plug-in of that name. Raises UsageError naming those that are known."""
        plugins = self.load()
        if name not in plugins:
            raise UsageError(f"no {self._singular} {name!r}{self._where(name)}; {known(plugins)}")
        return plugins[name]

    def load(self) -> dict[str, Plugin]:
        """Return all plug-ins by name, loading them on the first call.

        Raises UsageError if a plug-in of another package cannot be loaded.
        """
        if not self.is_loaded:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                if not module.ispkg and not module.name.startswith("_"):
                    importlib.import_module(f"{self._package}.{module.name}")
            for entry in entry_points(group=f"accredit.{self.kind}"):
                self._load_entry(entry)
            self.is_loaded = True
        return dict(sorted(self.registered.items()))

    @property
    def _singular(self) -> str:
        return self.kind.removesuffix("s")

    def _where(self, name: str) -> str:
        """What the plug-in of that name in another table of the kind is for, if there is one."""
        for table in self.tables[self.kind]:
            if table is not self and name in table.load():
                return f" for {self.of} (it is for {table.of})"
        return f" for {self.of}" if self.of else ""

    def _load_entry(self, entry: EntryPoint) -> None:
        try:
            entry.load()
        except Exception as error:
            owner = entry.dist.name if entry.dist else "?"
            msg = (
                f"{self._singular} {entry.name!r} of package {owner!r} does not load: "
                f"{type(error).__name__}: {error}"
            )
            raise UsageError(msg) from error
        if not any(entry.name in table.registered for table in self.tables[self.kind]):
            msg = (
                f"entry point {entry.name!r} of group 'accredit.{self.kind}' loaded "
                f"{entry.value!r}, which did not register {entry.name!r}"
            )
            raise UsageError(msg)


ProbeType = Callable[[], Probe]
"""Makes a probe: its class."""

PROBES = PluginTable[ProbeType]("probes", "probes.kinds")
LINES = PluginTable[LineType]("lines", "probes.lines")


def _address(plugin: object) -> str:
    return f"{getattr(plugin, '__module__', '?')}.{getattr(plugin, '__qualname__', plugin)}"
