"""The table of steps: the name of each, and how its text is read.

A module of this package adds one with ``@step("tls")``, before a function that reads the text and
returns what carries it out (``StepRun``), or raises ValueError with the reason.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import probes.techniques
from harness.errors import is_installed, known, require_library
from harness.model.technique import steps_of
from probes.techniques.run import StepRun

Choice = TypeVar("Choice", bound=str)

StepReader = Callable[[str], StepRun]

_READERS: dict[str, StepReader] = {}


def step(name: str) -> Callable[[StepReader], StepReader]:
    """Add the decorated reader under ``name``."""

    def add(reader: StepReader) -> StepReader:
        if name in _READERS:
            msg = f"two steps are called {name!r}"
            raise ValueError(msg)
        _READERS[name] = reader
        return reader

    return add


OVER_QUIC = frozenset({"h3", "webtransport", "masque"})
"""The steps that need a library of the extra ``quic``; their modules end in ``OF_QUIC``."""

OF_QUIC = ("h3_step", "h3_tunnel_steps", "quic_opening")


@cache
def readers() -> dict[str, StepReader]:
    """Return the reader of every step, by its name; without the extra, none of ``OVER_QUIC``."""
    package = probes.techniques
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(OF_QUIC) or is_installed("aioquic"):
            importlib.import_module(module.name)
    return dict(sorted(_READERS.items()))


@cache
def read_statement(statement: str) -> tuple[StepRun, ...]:
    """Return what carries out the steps of a statement. Raises ValueError with the reason.

    Raises UsageError for a step that needs an extra.
    """
    table = readers()
    runs = []
    for name, text in steps_of(statement):
        if name in OVER_QUIC:
            require_library("aioquic", f"step {name!r}")
        if name not in table:
            msg = f"unknown step {name!r}; {known(table)}"
            raise ValueError(msg)
        try:
            runs.append(table[name](text))
        except ValueError as error:
            msg = f"step {name!r}: {error}"
            raise ValueError(msg) from None
    return tuple(runs)


def options_of(text: str, known_options: dict[str, str]) -> dict[str, str]:
    """Return the options in a step's text, ``name=value`` parted by blanks.

    ``known_options`` are their names, with their values if they are not given. Raises ValueError
    for others.
    """
    options = dict(known_options)
    for part in text.split():
        name, parted, value = part.partition("=")
        if not parted or name not in known_options:
            msg = f"{part!r} is no option; {known(known_options)}"
            raise ValueError(msg)
        options[name] = value
    return options


def one_of(value: str, choices: tuple[Choice, ...], option: str) -> Choice:
    """Return the choice that an option names. Raises ValueError if it is none."""
    found = next((each for each in choices if each == value), None)
    if found is None:
        msg = f"{option}={value}: {known(choices)}"
        raise ValueError(msg)
    return found
