"""Plug-ins: five kinds in typed tables, open to other packages by entry point.

Probes, lines, importers, exporters and documents are plug-ins. A module adds one with
``@PROBES.register("web")``. Built-in plug-ins are the modules of one package for each table;
those of other packages are found through the entry-point group ``accredit.<kind>``, whose entries
name the module that registers the plug-in. A table is loaded when it is first read.

Tables are defined in the room that knows their type: ``PROBES`` and ``LINES`` here, the others in
the package that holds the built-in plug-ins: ``corpora.importers.LIST_IMPORTERS``,
``corpora.exporters.LIST_EXPORTERS``, ``harness.interop.MEASUREMENT_IMPORTERS``,
``harness.interop.logs.LOG_IMPORTERS``, ``reports.exports.JOURNAL_EXPORTERS`` and
``reports.documents.DOCUMENTS``. The ``__init__`` of each
of these packages imports this module alone, so that the tables can be listed quickly.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from harness.errors import UsageError, known

if TYPE_CHECKING:
    from harness.ports.network import LineType, Probe

KINDS = ("probes", "lines", "importers", "exporters", "documents")

Plugin = TypeVar("Plugin")


class PluginSummary(NamedTuple):
    """The name of a plug-in, the first line of its docstring, and the module that defines it."""

    name: str
    about: str
    module: str


class PluginTable(Generic[Plugin]):
    """The plug-ins of one kind, by name.

    ``package`` holds the built-in ones, in its modules. Where a kind has plug-ins of several
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
            for module in self._built_in():
                importlib.import_module(module)
            self._load_entries()
            self.is_loaded = True
        return dict(sorted(self.registered.items()))

    def summaries(self) -> list[PluginSummary]:
        """Return a summary of all plug-ins, by name.

        The built-in modules are parsed, not imported: importing all of them takes a second. Those
        of other packages are loaded; raises UsageError if one cannot be.
        """
        found = {each.name: each for module in self._built_in() for each in _registered_in(module)}
        self._load_entries()
        for name, plugin in self.registered.items():
            about = (inspect.getdoc(plugin) or "").partition("\n")[0]
            module = getattr(plugin, "__module__", "?")
            if name in found and found[name].module != module:
                self.load()  # raises UsageError: the name is taken
            found[name] = PluginSummary(name=name, about=about, module=module)
        return [found[name] for name in sorted(found)]

    def _built_in(self) -> list[str]:
        package = importlib.import_module(self._package)
        return [
            f"{self._package}.{module.name}"
            for module in pkgutil.iter_modules(package.__path__)
            if not module.ispkg and not module.name.startswith("_")
        ]

    def _load_entries(self) -> None:
        for entry in _entry_points(tuple(sys.path))[self.kind]:
            self._load_entry(entry)

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


ProbeType: TypeAlias = "Callable[[], Probe]"
"""Makes a probe: its class."""

PROBES: PluginTable[ProbeType] = PluginTable("probes", "probes.kinds")
LINES: PluginTable[LineType] = PluginTable("lines", "probes.lines")


@cache
def _entry_points(_path: tuple[str, ...]) -> dict[str, EntryPoints]:
    """Return the entry points of each kind; to find them takes milliseconds."""
    found = entry_points()
    return {kind: found.select(group=f"accredit.{kind}") for kind in KINDS}


_REGISTRATION = re.compile(r'''^@\w+\.register\(.*?""".*?"""''', re.MULTILINE | re.DOTALL)
"""The source of a registered class or function, from its decorators to its docstring.

To parse whole modules takes four times as long.
"""

_REGISTERS = re.compile(r"^@\w+\.register\(", re.MULTILINE)


def _registered_in(module: str) -> Iterator[PluginSummary]:
    """Yield what a module registers by a decorator, from its source."""
    spec = find_spec(module)
    source = getattr(spec.loader, "get_source", str)(module) if spec is not None else ""
    for node in _registrations(source or ""):
        yield from _registered_by(node, module)


def _registrations(source: str) -> list[ast.stmt]:
    """The registered classes and functions of a source; all of it, if one has no docstring."""
    found = _REGISTRATION.findall(source)
    try:
        if len(found) == len(_REGISTERS.findall(source)):
            return [node for each in found for node in ast.parse(each).body]
    except SyntaxError:  # what ended a part was another string than a docstring
        pass
    return ast.parse(source).body


def _registered_by(node: ast.stmt, module: str) -> Iterator[PluginSummary]:
    """Yield what a decorated class or function registers."""
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return
    about = (ast.get_docstring(node) or "").partition("\n")[0]
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Attribute(attr="register"), args=[ast.Constant(value=str() as name)]
            ):
                yield PluginSummary(name=name, about=about, module=module)


def _address(plugin: object) -> str:
    return f"{getattr(plugin, '__module__', '?')}.{getattr(plugin, '__qualname__', plugin)}"
