"""Make the order of an agent: its part of the monitoring file, and the files that this names.

Nothing of other sites, services or suppliers is in it. All names are relative, and stay inside the
order: a file elsewhere is refused here, where somebody can move it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.campaign.assemble import read_campaign
from harness.cli.named_files import NamedFiles, add_files_of
from harness.errors import UsageError, known
from harness.fleet.envelope import MOST_BYTES
from harness.fleet.messages import Order, OrderFile, Polled, encode
from harness.fleet.order_files import checked_files
from harness.model.campaign import Campaign
from harness.model.fleet_event import AgentInvited
from harness.model.stream import same_name
from harness.monitor.monitoring_file import MonitoringFile, ServiceMonitoring, SiteMonitoring
from harness.yaml_reader import read_document, validate

FRAME = 4096
"""Bytes of an answer beside its message: header, signature, padding, names of fields."""

NOT_FOR_ONE_SITE = ("alarm",)
"""Keys of a service that concern several sites; the hub sees to them."""


class OrderPlace(NamedTuple):
    """What an agent measures: a site of a service, in a monitoring of that name."""

    monitoring: str
    supplier: str
    service: str
    site: str

    @classmethod
    def of(cls, invited: AgentInvited) -> OrderPlace:
        """Return what an agent was invited for."""
        return cls(invited.monitoring, invited.supplier, invited.service, invited.site)


class OrderContent(NamedTuple):
    """The files of an order, in the order of their names; ``monitoring`` is one of them."""

    monitoring: str
    files: tuple[OrderFile, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return hashlib.sha256(msgspec.json.encode((self.monitoring, self.files))).hexdigest()

    def order(self, serial: int, issued: datetime) -> Order:
        """The order with a number."""
        return Order(serial=serial, issued=issued, monitoring=self.monitoring, files=self.files)


def place_in(
    declared: MonitoringFile, service: str, site: str
) -> tuple[ServiceMonitoring, SiteMonitoring]:
    """The service and the site of those names in a monitoring file. Raises UsageError."""
    for each in declared.services:
        if same_name(each.service) != same_name(service):
            continue
        for place in each.sites:
            if same_name(place.site) == same_name(site):
                return each, place
        sites = known(place.site for place in each.sites)
        msg = f"{declared.path}: service {each.service!r} has no site {site!r}; {sites}"
        raise UsageError(msg)
    services = known(each.service for each in declared.services)
    msg = f"{declared.path}: has no service {service!r}; {services}"
    raise UsageError(msg)


def order_content(path: Path, invited: OrderPlace) -> OrderContent:
    """Make the content of the order of an agent. Raises UsageError, FaultyDocument."""
    document = read_document(path)
    declared = validate(document, MonitoringFile)
    declared._path = path  # noqa: SLF001 - as ``read_monitoring`` does
    if declared.monitoring != invited.monitoring:
        msg = f"{path}: is {declared.monitoring!r}, and the agent is of {invited.monitoring!r}"
        raise UsageError(msg)
    service, site = place_in(declared, invited.service, invited.site)
    if same_name(service.supplier or "") != same_name(invited.supplier):
        msg = f"{path}: service {service.service!r} has another supplier now; invite again"
        raise UsageError(msg)
    files = NamedFiles(path.parent)
    text = msgspec.json.encode(_part_of(document.data, service, site))
    files.found[path.name] = msgspec.json.format(text, indent=2) + b"\n"
    for schedule in site.schedules:
        _add_campaign(files, schedule.campaign, site.site)
    listed = [OrderFile(name=name, data=files.found[name]) for name in sorted(files.found)]
    checked_files(tuple(listed))
    content = OrderContent(path.name, tuple(listed))
    _require_size(content, path.parent)
    return content


def _part_of(data: Any, service: ServiceMonitoring, site: SiteMonitoring) -> dict[str, Any]:
    """The part of a monitoring file, as it is written, that is about one site."""
    (own,) = (each for each in data["services"] if each["service"] == service.service)
    (place,) = (each for each in own["sites"] if each["site"] == site.site)
    kept = {name: value for name, value in own.items() if name not in NOT_FOR_ONE_SITE}
    whole = {name: value for name, value in data.items() if name != "title"}
    return {**whole, "services": [{**kept, "sites": [place]}]}


def _add_campaign(files: NamedFiles, given: str, site: str) -> None:
    name = files.name(given, "")
    campaign = read_campaign(files.root / name)[0]
    _require_at(campaign, files.root / name, site)
    files.add(given, "")
    add_files_of(files, campaign, name)


def _require_at(campaign: Campaign, path: Path, site: str) -> None:
    """Raise UsageError for a campaign that says something of another site, or runs a program."""
    named = [line.site for line in (*campaign.lines, *campaign.availability_lines)]
    named += campaign.local_exceptions
    if other := next((each for each in named if same_name(each) != same_name(site)), None):
        msg = f"{path}: names the site {other!r}, and would be sent to the agent of {site!r}"
        raise UsageError(msg)
    if campaign.sealed_list is not None:
        msg = f"{path}: names a program (sealed_list); no program is sent to an agent"
        raise UsageError(msg)


def _require_size(content: OrderContent, root: Path) -> None:
    """Raise UsageError, naming the largest file, if an order fits into no message."""
    order = content.order(1, datetime.min)  # noqa: DTZ901 - only its length counts
    sent = len(encode(Polled(order=order))) * 4 // 3 + FRAME
    if sent > MOST_BYTES:
        largest = max(content.files, key=lambda file: len(file.data))
        msg = (
            f"{root / largest.name}: has {len(largest.data):,} bytes; with it the order of an "
            f"agent is too large ({sent:,} bytes; at most {MOST_BYTES:,}); choose a smaller pack"
        )
        raise UsageError(msg)
