"""Read YAML declarations, and report faults by line.

YAML 1.2 (ruamel.yaml) is used so that ``no`` and ``12:30`` are strings. The node tree gives
the line of each key, which pydantic does not know. ``BoundedComposer`` limits size and nesting,
``Document`` holds a parsed text with its lines, ``validate`` makes a pydantic model of it.
"""

from __future__ import annotations

import difflib
import io
import math
import reprlib
import textwrap
import typing
from collections import OrderedDict
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.declared import tupled
from harness.untrusted.regular_file import read_bounded

BYTES = 1024 * 1024
"""The largest file that is read."""
VALUES = 20_000
"""The most keys and values; an alias counts as all values it stands for."""
DEPTH = 40
"""The deepest nesting of mappings and lists."""
DIGITS = 18
"""The most digits of an integer; longer ones are slow to parse."""
NUMBER_LENGTH = 40
"""The most characters of any other number."""

SEE = "see docs/reference/limits.md"
_TAG = "tag:yaml.org,2002:"
_NUMBERS = ("int", "float", "timestamp")


class TooMuch(MarkedYAMLError):
    """A limit is exceeded, or an unsupported YAML feature is used."""


class BoundedComposer(Composer):
    """Compose nodes and count them; raises TooMuch at the line where a limit is exceeded."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.values = 0
        self._sizes: dict[str, int] = {}
        self._open = 0

    def compose_document(self) -> Any:
        """Return the root node. Raises TooMuch for a directive."""
        start = self.parser.peek_event()
        if start.tags or start.version not in (None, (1, 2)):
            raise _too_much("directives (%YAML, %TAG) are not read", start)
        return super().compose_document()

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return one node with all nodes below it."""
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
    """Return the root node of a text (None if it is empty), and the constructor of values.

    Raises YAMLError; TooMuch where a limit is exceeded.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Composer = BoundedComposer
    root = reader.compose(io.StringIO(text))
    return root, reader.constructor


def unreadable_scalar(node: ScalarNode, constructor: Any) -> tuple[str, str]:
    """Return what is wrong with a number, date or string, and the remedy; empty if nothing."""
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


Model = TypeVar("Model", bound=BaseModel)
KeyPath = tuple[str | int, ...]

_SHORT = reprlib.Repr()
"""Shows the beginning of a value of any size."""
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxtuple = 4, 8, 8, 8
_SHORT.maxstring, _SHORT.maxother = 200, 200

MOST_FAULTS = 50
"""The most faults of a document that are listed."""
MOST_ERRORS = 500
"""The most validation errors that are examined; causes are found by comparing all pairs."""


REMEMBERED, LONGEST = 64, 64 * 1024
"""How many parsed texts are remembered, each up to so many characters: a process reads the same
campaign, scheme and policy many times, and reading one takes a hundred times as long as a copy."""


class Document:
    """A YAML text with the line of each of its keys."""

    _parsed: ClassVar[OrderedDict[str, tuple[dict[KeyPath, int], Any]]] = OrderedDict()

    def __init__(self, where: str, text: str) -> None:
        self.where = where
        self.lines: dict[KeyPath, int] = {}
        self.data: Any = None
        if (before := self._parsed.get(text)) is not None:
            self.lines, self.data = before[0], deepcopy(before[1])
            return
        self._parse(where, text)
        if len(text) <= LONGEST:
            self._parsed[text] = self.lines, deepcopy(self.data)
            while len(self._parsed) > REMEMBERED:
                self._parsed.popitem(last=False)

    def _parse(self, where: str, text: str) -> None:
        self._wrong: list[Fault] = []
        try:
            root, self._constructor = compose(text)
            if root is not None:
                self._walk(root, ())
                if self._wrong:
                    raise FaultyDocument(_first(self._wrong, where))
                self.data = self._constructor.construct_document(root)
        except TooMuch as error:
            line = error.problem_mark.line + 1
            raise FaultyDocument((self.fault(line, "", error.problem, SEE),)) from None
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else None
            found = f"not readable as YAML: {error.problem or error.context}"
            raise FaultyDocument((self.fault(line, "", found, "see https://yaml.org"),)) from None
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            found = f"a character that YAML does not allow: U+{error.character:04X}"
            raise FaultyDocument((self.fault(line, "", found, "leave it out"),)) from None
        except YAMLError as error:
            raise FaultyDocument((self.fault(None, "", f"not YAML: {error}", ""),)) from None

    @classmethod
    def of_data(cls, where: str, data: Any) -> Document:
        """Return a document that was parsed before; it knows no lines."""
        made = cls.__new__(cls)
        made.where, made.lines, made.data = where, {}, data
        return made

    def fault(self, line: int | None, key: str, found: str, remedy: str) -> Fault:
        """Return a fault of this document."""
        return Fault(where=self.where, line=line, key=key, found=found, known=remedy)

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def _walk(self, node: Node, path: KeyPath) -> None:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            seen: dict[str, int] = {}
            for key_node, value_node in node.value:
                line = key_node.start_mark.line + 1
                if not isinstance(key_node, ScalarNode):
                    self._add(line, path, "a key is a list or has keys itself", "write a word")
                    continue
                key = key_node.value
                if key in seen:
                    found = f"the key is written twice (first on line {seen[key]})"
                    self._add(line, (*path, key), found, "keep one")
                seen[key] = line
                self.lines[(*path, key)] = line
                self._check(key_node, (*path, key))
                self._walk(value_node, (*path, key))
        elif isinstance(node, SequenceNode):
            for position, child in enumerate(node.value):
                self._walk(child, (*path, position))
        elif isinstance(node, ScalarNode):
            self._check(node, path)

    def _check(self, node: ScalarNode, path: KeyPath) -> None:
        found, remedy = unreadable_scalar(node, self._constructor)
        if found:
            self._add(node.start_mark.line + 1, path, found, remedy)

    def _add(self, line: int, path: KeyPath, found: str, remedy: str) -> None:
        self._wrong.append(self.fault(line, dotted(path), found, remedy))


def read_document(path: Path) -> Document:
    """Read a YAML file. Raises UsageError if it cannot be read, FaultyDocument if it is wrong."""
    return Document(str(path), read_text(path))


def read_text(path: Path) -> str:
    """Read the text of a YAML file, with its line ends as they are; raises as ``read_document``."""
    try:
        return read_bounded(path, BYTES).decode("utf-8")
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise UsageError(msg) from None
    except UnicodeDecodeError as error:
        found = f"not UTF-8 at byte {error.start}"
        fault = Fault(where=str(path), line=None, key="", found=found, known="save it as UTF-8")
        raise FaultyDocument((fault,)) from None
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None


def validate(document: Document, model: type[Model], data: Any = None, at: KeyPath = ()) -> Model:
    """Validate a document (or the part ``data`` of it at ``at``) as ``model``.

    Raises FaultyDocument with one Fault for each error.
    """
    try:
        return model.model_validate(tupled(document.data if data is None else data))
    except ValidationError as error:
        details = error.errors(include_url=False)
        more = len(details) > MOST_ERRORS
        causes = _causes(details[:MOST_ERRORS])
        faults = [_fault(document, model, at, detail) for detail in causes[:MOST_FAULTS]]
        if more or len(causes) > MOST_FAULTS:
            faults.append(document.fault(None, "", "and more", "fix these first"))
        raise FaultyDocument(tuple(faults)) from None


def _first(faults: list[Fault], where: str) -> tuple[Fault, ...]:
    """Return the first faults, and the number of the others."""
    more = len(faults) - MOST_FAULTS
    if more <= 0:
        return tuple(faults)
    last = Fault(where=where, line=None, key="", found=f"and {more} more", known="")
    return (*faults[:MOST_FAULTS], last)


def dotted(path: KeyPath) -> str:
    """Format ``("lines", 0, "name")`` as ``lines[0].name``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _causes(details: list[Any]) -> list[Any]:
    """Drop errors that only follow from an error further inside."""
    inner = [tuple(detail["loc"]) for detail in details]
    return [
        detail
        for detail in details
        if not any(
            len(loc) > len(detail["loc"]) and loc[: len(detail["loc"])] == detail["loc"]
            for loc in inner
        )
    ]


def _fault(document: Document, model: type[BaseModel], at: KeyPath, detail: Any) -> Fault:
    path: KeyPath = (*at, *detail["loc"])
    found, remedy = detail["msg"], ""
    if detail["type"] == "extra_forbidden":
        names = _fields_at(model, detail["loc"][:-1])
        found = "this key is not known"
        close = difflib.get_close_matches(str(path[-1]), names, 1)
        remedy = f"did you mean {close[0]!r}?" if close else ""
        remedy += (" " if remedy else "") + known(names)
    elif detail["type"] == "missing":
        found, remedy = "is missing", "add it"
    elif detail["type"] == "model_type":
        found = f"{_shown(detail.get('input'))}: keys with values should stand here"
        remedy = known(_fields_at(model, detail["loc"]))
    else:
        found = f"{_shown(detail.get('input'))}: {found[0].lower()}{found[1:]}"
    return document.fault(document.line_of(path), dotted(path), found, remedy)


def _shown(value: Any) -> str:
    return textwrap.shorten(_SHORT.repr(value), 60, placeholder="...")


def _fields_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the known keys of the model at ``loc``."""
    current: Any = model
    for part in loc:
        current = _step(current, part)
        if current is None:
            return []
    fields = getattr(current, "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items())


def _step(current: Any, part: str | int) -> Any:
    if isinstance(part, str) and isinstance(current, type) and issubclass(current, BaseModel):
        field = current.model_fields.get(part)
        return _model_in(field.annotation) if field else None
    return current


def _model_in(annotation: Any) -> Any:
    """Return the first pydantic model in an annotation such as ``tuple[Line, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
