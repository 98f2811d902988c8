"""What the OSCAL documents share: ids, texts, times, metadata, and the service that is assessed.

OSCAL 1.2 (https://pages.nist.gov/OSCAL). Ids are of version 5 (RFC 9562), made from what they
stand for, so that the same input gives the same bytes, and documents refer to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import msgspec

from harness.model.stream import same_name

VERSION = "1.2.3"
"""The version of OSCAL whose schema the documents are valid against."""

NAMESPACE = UUID("5f0c7a0e-2c3b-4e57-9a53-0d0b6b1f4f6e")
"""The namespace of all ids."""

OURS = "urn:isp-accredit:oscal"
"""The namespace of properties that OSCAL does not define."""

Piece: TypeAlias = dict[str, Any]
"""A part of a document, as JSON has it."""

IMPACTS = {"Crit": "high", "Maj": "moderate", "Min": "low", "Obs": "low"}
"""The impact of a failure by its severity, as FedRAMP names it; unknown ones are high."""

_MARKUP = re.compile(r"([\\`*_\[\]<>&{}])")
_BLOCK = re.compile(r"^(?:([#+\-=~|])|(\d+)([.)]))")
_NOT_IN_TOKEN = re.compile(r"[^\w.\-]")


def id_of(*names: str) -> str:
    """The id of what has these names."""
    return str(uuid5(NAMESPACE, "\x1f".join(names)))


def id_of_service(supplier: str, service: str) -> str:
    """The id of a service; the case of names does not count."""
    return id_of("service", same_name(supplier), same_name(service))


def id_of_risk(supplier: str, service: str, finding: str) -> str:
    """The id of the risk of a finding, in results and in a POA&M."""
    return id_of("risk", same_name(supplier), same_name(service), finding)


def plain(text: str, otherwise: str = "not given") -> str:
    """A text as one line without spaces around it, as OSCAL's strings are."""
    return " ".join(text.split()) or otherwise


def marked(text: str, otherwise: str = "not given") -> str:
    """A text as one line of Markdown, in which no character is markup."""
    escaped = _MARKUP.sub(r"\\\1", plain(text, otherwise))
    return _BLOCK.sub(lambda found: rf"{found[2] or ''}\{found[1] or found[3]}", escaped)


def token(text: str) -> str:
    """A text as a token: a letter or underscore, then letters, digits, dots and hyphens."""
    named = _NOT_IN_TOKEN.sub("_", text)
    return named if named[:1].isalpha() or named.startswith("_") else f"_{named}"


def time_of(moment: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def prop(name: str, value: object, **more: str) -> Piece:
    """A property of our own."""
    return {"name": name, "ns": OURS, "value": plain(str(value)), **more}


def metadata(title: str, modified: datetime, version: str, supplier: str) -> Piece:
    """The metadata of a document about one supplier."""
    name = plain(supplier, "no supplier is named")
    party = {"uuid": id_of("party", same_name(supplier)), "type": "organization", "name": name}
    return {
        "title": marked(title),
        "last-modified": time_of(modified),
        "version": plain(version),
        "oscal-version": VERSION,
        "parties": [party],
    }


def component(supplier: str, service: str) -> Piece:
    """The service as a component."""
    return {
        "uuid": id_of_service(supplier, service),
        "type": "service",
        "title": marked(service),
        "description": "A filtered internet service.",
        "status": {"state": "operational"},
    }


def subject(supplier: str, service: str) -> Piece:
    """A reference to the service."""
    return {"subject-uuid": id_of_service(supplier, service), "type": "component"}


TOOL = id_of("tool", "accredit")
"""The id of Accredit as a tool."""


def tool() -> Piece:
    """Accredit as a component, which observations come from."""
    return {
        "uuid": TOOL,
        "type": "software",
        "title": "Accredit",
        "description": "An accreditation test harness for filtered internet services.",
        "status": {"state": "operational"},
    }


def origin() -> Piece:
    """Accredit as the origin of an observation or a rating."""
    return {"actors": [{"type": "tool", "actor-uuid": TOOL}]}


def reviewed(requirements: Iterable[str]) -> Piece:
    """The requirements that are assessed, as controls."""
    ids = sorted({token(each) for each in requirements})
    named: Piece = {"include-all": {}}
    if ids:
        named = {"include-controls": [{"control-id": each} for each in ids]}
    return {"control-selections": [named]}


def resource(name: str, title: str, description: str, *, kind: str = "") -> Piece:
    """Something that a document refers to and that has no address."""
    made: Piece = {"uuid": id_of("resource", name), "title": title, "description": description}
    if kind:
        made["props"] = [{"name": "type", "value": kind}]
    return made


NO_SECURITY_PLAN = resource(
    "no-oscal-ssp",
    "No system security plan",
    "The service has no system security plan in OSCAL.",
    kind="no-oscal-ssp",
)


def impact(severity: str, state: str) -> Piece:
    """How bad a failure is; ``state``: initial or adjusted."""
    rated = IMPACTS.get(severity, "high")
    facet: Piece = {"name": "impact", "system": "http://fedramp.gov/ns/oscal", "value": rated}
    facet["props"] = [{"name": "state", "value": state}]
    return {"origin": origin(), "facets": [facet]}


def encoded(name: str, document: Piece) -> bytes:
    """The file of a document: its model's name, and the document."""
    return msgspec.json.format(msgspec.json.encode({name: document}), indent=2) + b"\n"
