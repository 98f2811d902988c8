"""Changes of status as an Atom feed (RFC 4287), the newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from harness.untrusted.visible_text import visible
from reports.next_steps import day
from reports.site.public_facts import PublicRegister, PublicService
from reports.words import STATUSES

ATOM = "http://www.w3.org/2005/Atom"
NEWEST = 100
"""How many changes the feed holds."""


class Change(NamedTuple):
    """One change of status of a service; ``why`` is what stopped it, or empty."""

    at: datetime
    service: PublicService
    status: str
    why: str


def in_folder(page: str) -> str:
    """The address of a service's page in the static site, from the feed."""
    return f"services/{page}.html"


def status_feed(register: PublicRegister, link_of: Callable[[str], str] = in_folder) -> bytes:
    """The feed in UTF-8; ``link_of`` gives the address of a service's page.

    The same register gives the same bytes.
    """
    ET.register_namespace("", ATOM)
    changes = sorted(_changes(register), key=lambda each: (each.at, each.service.page))
    newest = changes[: -NEWEST - 1 : -1]
    feed = ET.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", _urn("register"))
    _add(feed, "title", "Register of filtered services: changes of status")
    _add(feed, "updated", _time(newest[0].at if newest else register.as_of))
    _add(ET.SubElement(feed, f"{{{ATOM}}}author"), "name", "Accredit")
    for change in newest:
        _add_entry(feed, change, link_of(change.service.page))
    ET.indent(feed)
    text: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _changes(register: PublicRegister) -> Iterator[Change]:
    for service in register.services:
        for period in service.history:
            yield Change(period.since, service, STATUSES[period.status], period.why)


def _add_entry(feed: ET.Element, change: Change, link: str) -> None:
    service = change.service
    entry = ET.SubElement(feed, f"{{{ATOM}}}entry")
    _add(entry, "id", _urn(f"{service.page} {change.at.isoformat()} {change.status}"))
    _add(entry, "title", f"{service.name} {service.version}: {change.status}")
    _add(entry, "updated", _time(change.at))
    ET.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", href=link)
    because = f" {change.why}" if change.why else ""
    told = f"{change.status} from {day(change.at)}{because}, by {service.scheme_name} "
    _add(entry, "summary", f"{told}{service.scheme_version}. Supplier: {service.supplier}.")


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = visible(text)


def _urn(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'accredit {name}')}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
