"""Reads what a person declared in YAML, and says what is wrong with it, line by line.

YAML 1.2 (ruamel.yaml) is used so that ``no`` stays a word and ``12:30`` a text. The typed
reader gives values; the node tree gives the line of each key, which pydantic cannot know.
"""

from __future__ import annotations

import difflib
import io
import math
import reprlib
import textwrap
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.untrusted.regular_file import read_bounded

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


Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]

_SHORT = reprlib.Repr()
"""Shows the beginning of a value, however large it is."""
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxtuple = 4, 8, 8, 8
_SHORT.maxstring, _SHORT.maxother = 200, 200

MOST_FAULTS = 50
"""So many faults of a document are told one by one."""
MOST_ERRORS = 500
"""So many errors of validation are looked at: to tell causes from effects compares each two."""


class Document:
    """A YAML text with the line of each of its keys."""

    def __init__(self, where: str, text: str) -> None:
        self.where = where
        self.lines: dict[Path_, int] = {}
        self._wrong: list[Fault] = []
        self.data: Any = None
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

    def fault(self, line: int | None, key: str, found: str, remedy: str) -> Fault:
        """A fault of this document."""
        return Fault(where=self.where, line=line, key=key, found=found, known=remedy)

    def line_of(self, path: Path_) -> int | None:
        """The line of a key, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def _walk(self, node: Node, path: Path_) -> None:
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

    def _check(self, node: ScalarNode, path: Path_) -> None:
        found, remedy = unreadable_scalar(node, self._constructor)
        if found:
            self._add(node.start_mark.line + 1, path, found, remedy)

    def _add(self, line: int, path: Path_, found: str, remedy: str) -> None:
        self._wrong.append(self.fault(line, dotted(path), found, remedy))


def read_document(path: Path) -> Document:
    """Read a YAML file. Raises UsageError if it cannot be read, FaultyDocument if it is wrong."""
    try:
        text = read_bounded(path, BYTES).decode("utf-8")
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
    return Document(str(path), text)


def validate(document: Document, model: type[Model], data: Any = None, at: Path_ = ()) -> Model:
    """Make a value of ``model`` from a document (or a part of it at ``at``).

    Raises FaultyDocument with one Fault per error.
    """
    try:
        return model.model_validate(_strict(document.data if data is None else data))
    except ValidationError as error:
        details = error.errors(include_url=False)
        more = len(details) > MOST_ERRORS
        causes = _causes(details[:MOST_ERRORS])
        faults = [_fault(document, model, at, detail) for detail in causes[:MOST_FAULTS]]
        if more or len(causes) > MOST_FAULTS:
            faults.append(document.fault(None, "", "and more", "mend these first"))
        raise FaultyDocument(tuple(faults)) from None


def _first(faults: list[Fault], where: str) -> tuple[Fault, ...]:
    """The first faults, and how many more there are."""
    more = len(faults) - MOST_FAULTS
    if more <= 0:
        return tuple(faults)
    last = Fault(where=where, line=None, key="", found=f"and {more} more", known="")
    return (*faults[:MOST_FAULTS], last)


def dotted(path: Path_) -> str:
    """``("lines", 0, "name")`` as ``lines[0].name``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _strict(data: Any) -> Any:
    """Lists become tuples and integers in place of floats stay, as strict pydantic asks."""
    if isinstance(data, dict):
        return {key: _strict(value) for key, value in data.items()}
    if isinstance(data, list):
        return tuple(_strict(value) for value in data)
    return data


def _causes(details: list[Any]) -> list[Any]:
    """Without the errors that only follow from an error further inside."""
    inner = [tuple(detail["loc"]) for detail in details]
    return [
        detail
        for detail in details
        if not any(
            len(loc) > len(detail["loc"]) and loc[: len(detail["loc"])] == detail["loc"]
            for loc in inner
        )
    ]


def _fault(document: Document, model: type[BaseModel], at: Path_, detail: Any) -> Fault:
    path: Path_ = (*at, *detail["loc"])
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
    """The known keys of the model that ``loc`` leads to."""
    current: Any = model
    for part in loc:
        current = _step(current, part)
        if current is None:
            return []
    fields = getattr(current, "model_fields", {})
    return sorted(fields)


def _step(current: Any, part: str | int) -> Any:
    if isinstance(part, str) and isinstance(current, type) and issubclass(current, BaseModel):
        field = current.model_fields.get(part)
        return _model_in(field.annotation) if field else None
    return current


def _model_in(annotation: Any) -> Any:
    """The first pydantic model inside an annotation such as ``tuple[Line, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
