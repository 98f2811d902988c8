"""Load schemes from YAML: the file, its parent, the catalogue of requirements, its policy.

A requirement inherits missing values from the parent's requirement of the same id, or else from the
catalogue's. Each fault is one line: file, line, key, what was found, and what is known instead. The
catalogue and the policies are read here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.campaign import PHASES
from harness.model.declared import Declared
from harness.model.metric_spec import SPECS
from harness.model.scheme import Day, Decision, Policy, Requirement, Scheme
from harness.schemes.check import (
    SHIPPED,
    Sizes,
    aliases,
    check,
    duplicate_ids,
    misdated,
    resolve,
    shipped,
    undersized,
    with_remedy,
    with_smallest,
)
from harness.schemes.parsed import read_quickly
from harness.yaml_reader import Document, KeyPath, dotted, validate

TABLES = Path(__file__).parent / "requirements"
"""The catalogue: a YAML file for each area, such as ``url.yaml`` with ``URL-01``."""


@cache
def find_row(requirement_id: str) -> Requirement | None:
    """The catalogue's requirement of that id, or ``None``."""
    area = requirement_id.partition("-")[0].lower()
    if area not in areas():
        return None
    document = read_quickly(TABLES / f"{area}.yaml")
    for position, data in enumerate(document.data):
        if data["id"] == requirement_id:
            return validate(document, Requirement, data, (position,))
    return None


def whole_catalogue() -> tuple[Requirement, ...]:
    """All requirements of the catalogue, area by area."""
    return tuple(row for area in areas() for row in _table(area).values())


@cache
def areas() -> tuple[str, ...]:
    """The areas of the catalogue."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


@cache
def _table(area: str) -> dict[str, Requirement]:
    document = read_quickly(TABLES / f"{area}.yaml")
    rows = [
        validate(document, Requirement, data, (position,))
        for position, data in enumerate(document.data)
    ]
    return {row.id: row for row in rows}


def merged(base: Requirement | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a requirement: a file's own over those of its base.

    The measure is merged key by key. A threshold is replaced as a whole, because a new number needs
    its own provenance.
    """
    if base is None:
        return dict(own)
    below = base.model_dump(exclude_unset=True)
    together = {**below, **own}
    if isinstance(own.get("measure"), Mapping):
        together["measure"] = {**below["measure"], **own["measure"]}
    return together


def inherited(
    own: Iterable[Requirement], parent: Iterable[Requirement], without: Iterable[str]
) -> tuple[Requirement, ...]:
    """The parent's requirements in order, replaced by own ones of the same id, then new ones.

    ``without`` names the parent's requirements that are left out.
    """
    own_by_id = {own_requirement.id: own_requirement for own_requirement in own}
    dropped = frozenset(without)
    kept = [own_by_id.pop(one.id, one) for one in parent if one.id not in dropped]
    return (*kept, *own_by_id.values())


__all__ = [
    "SHIPPED",
    "json_schema",
    "load_policy",
    "load_scheme",
    "policies",
    "resolve",
    "shipped",
]

Value = TypeVar("Value")


class SchemeFile(Declared):
    """The format of a scheme file, before parents and policies are resolved."""

    id: str
    version: str
    title: str
    about: str = ""
    effective_from: str = ""
    reviewed_on: Day | None = None
    review_by: Day | None = None
    sources: tuple[str, ...] = ()
    parent: str | None = None
    without: tuple[str, ...] = ()
    decision: dict[str, Any] | None = None
    policy: str | dict[str, Any] | None = None
    requirements: tuple[dict[str, Any], ...] = ()


def load_scheme(name_or_path: str) -> Scheme:
    """The shipped scheme of that id or alias, or the scheme in that file.

    Each ``n_min`` is at least the smallest number that can decide: inherited ones are raised,
    smaller ones in the file itself are faults. Raises UsageError for an unknown name,
    FaultyDocument with all faults of a file.
    """
    scheme = _load(_locate(name_or_path, Path()), ())
    sizes = Sizes(scheme.decision.alpha)
    return scheme.model_copy(update={"requirements": with_smallest(scheme.requirements, sizes)})


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scheme file, for editors (draft 2020-12).

    A file may name its policy or a parent; a requirement of the parent or of the catalogue
    needs only its id and what differs.
    """
    schema = Scheme.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["required"] = ["id", "version", "title"]
    properties = schema["properties"]
    properties["policy"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Policy"}]}
    properties["parent"] = {"type": "string", "description": "A scheme to build on."}
    properties["without"] = {"type": "array", "items": {"type": "string"}}
    properties["requirements"].pop("minItems", None)
    schema["$defs"]["Requirement"]["required"] = ["id"]
    schema["$defs"]["Measure"]["required"] = []
    schema["$defs"]["Measure"]["properties"]["metric"]["enum"] = sorted(SPECS)
    words = {"enum": ["block", "allow", "local"]}
    rows = schema["$defs"]["Policy"]["properties"]["rows"]
    rows["additionalProperties"] = {"anyOf": [words, rows["additionalProperties"]]}
    return schema


def _locate(name_or_path: str, folder: Path) -> Path:
    name = resolve(name_or_path)
    if name in shipped():
        return SHIPPED / f"{name}.yaml"
    path = folder / name_or_path
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        return path
    names = known((*shipped(), *aliases()))
    msg = f"no scheme {name_or_path!r}; {names}, or the path of a YAML file"
    raise UsageError(msg)


def _load(path: Path, children: tuple[Path, ...]) -> Scheme:
    """Read one scheme; ``children`` are the files that name it as a parent, to detect a cycle."""
    document = read_quickly(path)
    faults: list[Fault] = []
    written = _collect(faults, lambda: validate(document, SchemeFile))
    if written is None:
        raise FaultyDocument(tuple(with_remedy(fault) for fault in faults))
    parent = _collect(faults, lambda: _parent(document, written, path, children))
    is_orphan = written.parent is not None and parent is None  # its faults are told already
    policy = _collect(
        faults, lambda: None if is_orphan else _policy(document, written, path, parent)
    )
    decision = _collect(faults, lambda: _decision(document, written, parent))
    own = _requirements(document, written, parent, faults)
    faults += duplicate_ids(document, written.requirements)
    faults += check(document, own, policy)
    faults += misdated(document, written.id, written.reviewed_on, written.review_by)
    if decision is not None:
        sizes = Sizes(decision.alpha)
        faults += undersized(document, own, written.requirements, sizes)
    if faults:
        raise FaultyDocument(_tidy(faults))
    theirs = parent.requirements if parent else ()
    whole = {
        **written.model_dump(exclude={"parent", "without", "policy", "decision", "requirements"}),
        "policy": policy,
        "decision": decision,
        "requirements": inherited([one for _, one in own], theirs, written.without),
        **_reviews(written, parent),
    }
    try:
        scheme = validate(document, Scheme, data=whole)
    except FaultyDocument as wrong:
        raise FaultyDocument(_tidy(list(wrong.faults))) from None
    _refuse_other_content(document, scheme, path)
    return scheme


def _refuse_other_content(document: Document, scheme: Scheme, path: Path) -> None:
    """Raise FaultyDocument for a file with the id of a shipped scheme that says something else.

    Assessments and decisions name a scheme by its id, so they would name the wrong one.
    """
    own = SHIPPED / f"{scheme.id}.yaml"
    if scheme.id not in shipped() or path.resolve() == own.resolve():
        return
    if scheme != _load(own, ()):
        problem = f"{scheme.id} is the id of a shipped scheme, and this file differs from it"
        remedy = f"choose an id of your own, such as {scheme.id}-adapted"
        raise _faulty(document, ("id",), problem, remedy)


def _reviews(written: SchemeFile, parent: Scheme | None) -> dict[str, Any]:
    """The dates of reviews; a file without them inherits its parent's."""
    if parent is None or written.review_by is not None:
        return {"reviewed_on": written.reviewed_on, "review_by": written.review_by}
    on = written.reviewed_on or parent.reviewed_on
    return {"reviewed_on": on, "review_by": parent.review_by}


def _parent(
    document: Document, written: SchemeFile, path: Path, children: tuple[Path, ...]
) -> Scheme | None:
    if written.parent is None:
        return None
    try:
        parent_path = _locate(written.parent, path.parent)
    except UsageError as error:
        raise _faulty(document, ("parent",), str(error)) from None
    if parent_path.resolve() in {path.resolve(), *children}:
        problem = f"{written.parent} is based on this scheme itself"
        raise _faulty(document, ("parent",), problem, "name another")
    if not parent_path.is_file():
        raise _faulty(document, ("parent",), f"no file {written.parent!r}", known(shipped()))
    parent = _load(parent_path, (*children, path.resolve()))
    ids = {requirement.id for requirement in parent.requirements}
    for position, name in enumerate(written.without):
        if name not in ids:
            problem = f"{parent.id} has no requirement {name!r}"
            raise _faulty(document, ("without", position), problem, known(ids))
    return parent


def _policy(
    document: Document, written: SchemeFile, path: Path, parent: Scheme | None
) -> Policy | None:
    if written.policy is None and parent is None:
        raise _faulty(document, ("policy",), "is missing", known(policies()))
    if written.policy is None:
        return parent.policy if parent else None
    if isinstance(written.policy, dict):
        return validate(document, Policy, data=_expanded(written.policy), at=("policy",))
    beside = path.parent / written.policy
    if written.policy not in policies() and not beside.is_file():
        problem = f"no policy {written.policy!r}"
        raise _faulty(document, ("policy",), problem, known(policies()) + ", or a file beside this")
    return load_policy(written.policy if written.policy in policies() else str(beside))


def _decision(document: Document, written: SchemeFile, parent: Scheme | None) -> Decision:
    base = parent.decision.model_dump() if parent else {}
    return validate(document, Decision, {**base, **(written.decision or {})}, ("decision",))


def _requirements(
    document: Document, written: SchemeFile, parent: Scheme | None, faults: list[Fault]
) -> list[tuple[int, Requirement]]:
    bases = {requirement.id: requirement for requirement in parent.requirements} if parent else {}
    own = []
    for position, raw in enumerate(written.requirements):
        name = str(raw.get("id"))
        base = bases.get(name) or find_row(name)
        data = merged(base, raw)
        at: KeyPath = ("requirements", position)
        try:
            own.append((position, validate(document, Requirement, data, at)))
        except FaultyDocument as wrong:
            faults += wrong.faults if base else _unfounded(wrong, name)
    return own


def _unfounded(wrong: FaultyDocument, name: str) -> list[Fault]:
    """The faults of a requirement without a base, with a remedy for missing values."""
    remedy = f"add it: {name!r} is neither in the parent nor in the catalogue"
    return [replace(one, known=remedy) if one.known == "add it" else one for one in wrong.faults]


def policies() -> tuple[str, ...]:
    """The names of the shipped policies."""
    return tuple(sorted(path.stem for path in (SHIPPED / "policies").glob("*.yaml")))


@cache
def load_policy(name_or_path: str) -> Policy:
    """A shipped policy, or the one in a file: categories by school phase.

    A row may be a single word, which applies to all phases.
    """
    shelf = SHIPPED / "policies" / f"{name_or_path}.yaml"
    document = read_quickly(shelf if name_or_path in policies() else Path(name_or_path))
    return validate(document, Policy, data=_expanded(document.data))


def _expanded(policy: Any) -> Any:
    """A policy with its one-word rows expanded for each phase."""
    if not isinstance(policy, dict) or not isinstance(policy.get("rows"), dict):
        return policy
    rows = {
        code: dict.fromkeys(PHASES, row) if isinstance(row, str) else row
        for code, row in policy["rows"].items()
    }
    return {**policy, "rows": rows}


def _collect(faults: list[Fault], read: Callable[[], Value]) -> Value | None:
    """Read a part; its faults are added to the others, so that all are reported at once."""
    try:
        return read()
    except FaultyDocument as wrong:
        faults += wrong.faults
        return None


def _faulty(document: Document, at: KeyPath, problem: str, remedy: str = "") -> FaultyDocument:
    return FaultyDocument((document.fault(document.line_of(at), dotted(at), problem, remedy),))


def _tidy(faults: list[Fault]) -> tuple[Fault, ...]:
    """The distinct faults in the order of their lines, with remedies where known."""
    distinct = {}
    for fault in reversed(faults):
        # one word in the file may cause faults in many places; a missing value is a fault in each
        place = fault.key if fault.found == "is missing" else ""
        distinct[fault.where, fault.line, place, fault.found] = with_remedy(fault)
    return tuple(
        sorted(distinct.values(), key=lambda fault: (fault.where, fault.line or 0, fault.key))
    )
