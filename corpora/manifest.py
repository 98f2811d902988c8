"""The manifest of a pack: a Frictionless Data Package v2 with an ``accredit`` profile.

The models follow ``data/corpus_manifest.schema.json``. The data package may hold properties
that we do not know (its standard says so); the ``accredit`` part is ours and holds none.
See https://datapackage.org/standard/data-package/.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.errors import Fault, FaultyDocument, UsageError
from harness.model.corpus import Audience, Design, PackKind, Sensitivity
from harness.model.declared import Declared
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import DIGITS, Document, validate

FILE = "datapackage.json"
LIMIT_BYTES = 1024 * 1024

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Moment = Annotated[datetime, Field(strict=False)]
Purpose = Literal[
    "calibration", "self-test", "accreditation", "monitoring", "regression", "fixture"
]
Method = Literal["upstream", "single", "double_blind", "adjudicated", "synthetic"]
Share = Annotated[float, Field(ge=0, le=1)]


class Packaged(BaseModel):
    """A part of the data package standard; unknown properties are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, populate_by_name=True)


class Licence(Packaged):
    """The licence of the pack, as an SPDX id."""

    name: str
    path: str = ""


class Source(Packaged):
    """Where rows came from."""

    title: str
    path: str = ""
    version: str = ""
    licence: str = Field("", alias="x-licence")


class Resource(Packaged):
    """A file of the pack, with its size and digest."""

    name: str
    path: str
    digest: Digest = Field(alias="hash")
    size: Annotated[int, Field(ge=1)] = Field(alias="bytes")
    rows: Annotated[int, Field(ge=0)] = Field(alias="x-rows")
    table_schema: object = Field(alias="schema")


class TaxonomyReference(Declared):
    """The taxonomy whose codes the labels are."""

    name: str
    version: str
    hash: Digest


class Sampling(Declared):
    """How the items were drawn. ``seed_commitment`` is the SHA-256 of the seed.

    ``method`` is the version of the derivation; samples without one were drawn by bottom-k v1.
    """

    frame: str
    design: Design
    seed_commitment: Digest
    frame_size: int | None = None
    strata: tuple[str, ...] = ()
    weights_column: str = ""
    method: str = ""


class LabelAudit(Declared):
    """A random audit of the primary labels: items checked, and labels that were wrong."""

    items: Annotated[int, Field(ge=1)]
    wrong: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _is_part(self) -> LabelAudit:
        if self.wrong > self.items:
            msg = f"{self.wrong} wrong labels cannot be among {self.items} audited items"
            raise ValueError(msg)
        return self


class Labelling(Declared):
    """How items were labelled, the agreement of the raters, and an audit of the labels."""

    method: Method
    raters: int | None = None
    krippendorff_alpha: Annotated[float, Field(ge=-1, le=1)] | None = None
    percent_agreement: float | None = None
    adjudicated_share: Share | None = None
    audit: LabelAudit | None = None


class Freshness(Declared):
    """When the items were last checked to be alive."""

    checked_at: Moment
    max_age_days: int
    alive_share: Share | None = None


class Release(Declared):
    """Who may see the pack, from when, and how often it may be used."""

    audience: Audience
    embargo_until: str | None
    use_limit: int | None = None


class Profile(Declared):
    """The ``accredit`` part of the manifest.

    ``kind`` says what its items can show. Without it the pack is read as ``agreed``, which shows
    the least, because the items may have been announced to a supplier.
    """

    spec: Literal["1.0"]
    taxonomy: TaxonomyReference
    sensitivity: Sensitivity
    purpose: Purpose
    sampling: Sampling
    labels: Labelling
    freshness: Freshness
    release: Release
    prohibitions: tuple[str, ...] = ()
    kind: PackKind = "agreed"


class Manifest(Packaged):
    """A whole ``datapackage.json``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{2,63}$")]
    id: str
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
    title: str
    created: Moment
    licenses: Annotated[tuple[Licence, ...], Field(min_length=1)]
    sources: tuple[Source, ...]
    resources: Annotated[tuple[Resource, ...], Field(min_length=1)]
    accredit: Profile
    description: str = ""

    @property
    def items(self) -> Resource:
        """The resource that holds the items."""
        return next(each for each in self.resources if each.name == "items")


def read_manifest(directory: Path) -> Manifest:
    """Read ``datapackage.json`` of a pack.

    Raises UsageError if it cannot be read, FaultyDocument with a line per fault if it is wrong.
    """
    path = directory / FILE
    text = _text(path)
    data = _parsed(path, text)
    if not isinstance(data, dict):
        raise FaultyDocument((_fault(path, 1, "not a JSON object"),))
    # JSON without tabs is YAML, and tabs in valid JSON are only white space
    document = Document(str(path), text.replace("\t", " "))
    manifest = validate(document, Manifest, data)
    if all(each.name != "items" for each in manifest.resources):
        line = document.line_of(("resources",))
        fault = document.fault(line, "resources", "no resource is named 'items'", "add it")
        raise FaultyDocument((fault,))
    return manifest


def read_json(path: Path) -> Any:
    """The JSON of a manifest. Raises UsageError or FaultyDocument if it cannot be read."""
    return _parsed(path, _text(path))


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = f"not JSON: {getattr(error, 'msg', why)}"
        raise FaultyDocument((_fault(path, line, problem),)) from None


def _integer(digits: str) -> int:
    if len(digits) > DIGITS:
        msg = f"a number of {len(digits)} digits, at most {DIGITS}"
        raise ValueError(msg)
    return int(digits)


def _no_number(word: str) -> float:
    msg = f"{word} is not a number"
    raise ValueError(msg)


def _text(path: Path) -> str:
    try:
        return read_bounded(path, LIMIT_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        msg = f"{path.parent}: not a pack: it has no {FILE}"
        raise UsageError(msg) from None
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
        raise FaultyDocument((_fault(path, None, problem, "save it as UTF-8"),)) from None
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None


def _fault(path: Path, line: int | None, problem: str, remedy: str = "") -> Fault:
    return Fault(where=str(path), line=line, key="", found=problem, known=remedy)
