"""Reads YAML 1.2 into nodes, within limits, as if its author meant harm.

An alias counts as all that it stands for, so a few lines cannot grow to gigabytes ("billion
laughs"). Depth, values and bytes are bounded; tags, directives and anchors that are used twice
are refused. Each refusal names its line.
"""

from __future__ import annotations

import io
import math
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node, ScalarNode

BYTES = 1024 * 1024
"""A declaration larger than this is not one that a person wrote."""
VALUES = 20_000
"""So many keys and values, each alias counted as all that it stands for."""
DEPTH = 40
"""So deep may mappings and lists lie in each other."""
DIGITS = 18
"""An integer with more digits is no number that a declaration needs, and slow to read."""
NUMBER_LENGTH = 40
"""Characters of any other number."""

SEE = "see docs/reference/limits.md"
_TAG = "tag:yaml.org,2002:"
_NUMBERS = ("int", "float", "timestamp")


class TooMuch(MarkedYAMLError):
    """A limit is passed, or something is used that declarations do without."""


class BoundedComposer(Composer):
    """Composes nodes and counts them; raises TooMuch at the line where a limit is passed."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.values = 0
        self._sizes: dict[str, int] = {}
        self._open = 0

    def compose_document(self) -> Any:
        """The root node. Raises TooMuch for a directive."""
        start = self.parser.peek_event()
        if start.tags or start.version not in (None, (1, 2)):
            raise _too_much("directives (%YAML, %TAG) are not read", start)
        return super().compose_document()

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node with all below it."""
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            if event.anchor in self.anchors:
                self._count(self._size(event), event)
            return super().compose_node(parent, index)
        if event.ctag is not None:
            raise _too_much(f"tags are not read: {str(event.ctag)[:40]!r}", event)
        if event.anchor in self.anchors:
            raise _too_much(f"the anchor {event.anchor[:40]!r} is used twice", event)
        before = self.values
        self._count(1, event)
        self._open += 1
        if self._open > DEPTH:
            raise _too_much(f"nested more than {DEPTH} deep", event)
        node = super().compose_node(parent, index)
        self._open -= 1
        if event.anchor is not None:
            self._sizes[event.anchor] = self.values - before
        return node

    def _count(self, number: int, event: Any) -> None:
        self.values += number
        if self.values > VALUES:
            found = f"more than {VALUES} values, each alias counted as what it stands for"
            raise _too_much(found, event)

    def _size(self, event: Any) -> int:
        if event.anchor not in self._sizes:
            raise _too_much(f"the alias {event.anchor[:40]!r} stands inside itself", event)
        return self._sizes[event.anchor]


def compose(text: str) -> tuple[Node | None, Any]:
    """The root node of a text (None if it holds nothing), and what makes values of nodes.

    Raises YAMLError, and of these TooMuch where a limit is passed.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Composer = BoundedComposer
    root = reader.compose(io.StringIO(text))
    return root, reader.constructor


def unreadable_scalar(node: ScalarNode, constructor: Any) -> tuple[str, str]:
    """What is wrong with a number, date or text, and the remedy; empty where nothing is."""
    kind = str(node.tag).removeprefix(_TAG)
    if kind == "str":
        return _wrong_text(node)
    return _wrong_number(node, kind, constructor) if kind in _NUMBERS else ("", "")


def _wrong_text(node: ScalarNode) -> tuple[str, str]:
    try:  # "\ud83d\ude00" is one character in JSON, two halves here
        node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return "half of a surrogate pair is no text", "write the character itself"
    return "", ""


def _wrong_number(node: ScalarNode, kind: str, constructor: Any) -> tuple[str, str]:
    digits = node.value.lstrip("+-").replace("_", "")
    if len(digits) > (DIGITS if kind == "int" else NUMBER_LENGTH):
        found = f"{digits[:20]}...: a number of {len(digits)} characters"
        return found, f"an integer has at most {DIGITS} digits"
    try:
        value = constructor.construct_object(node)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return f"{node.value[:40]!r}: no such number or date", "put quotes around it if it is text"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{node.value[:40]!r}: not a finite number", "write a number"
    return "", ""


def _too_much(found: str, event: Any) -> TooMuch:
    return TooMuch(None, None, found, event.start_mark)
