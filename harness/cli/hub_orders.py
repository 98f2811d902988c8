"""Make the order of an agent: its part of the monitoring file, and the files that this names.

Nothing of other sites, services or suppliers is in it. All names are relative, and stay inside the
order: a file elsewhere is refused here, where somebody can move it.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import msgspec

from corpora.manifest import FILE as MANIFEST
from corpora.manifest import read_manifest
from harness.campaign.assemble import read_campaign
from harness.campaign.origin_file import read_origin
from harness.errors import UsageError, known
from harness.fleet.envelope import MOST_BYTES
from harness.fleet.messages import Order, OrderFile, Polled, encode
from harness.fleet.order_files import checked_files
from harness.model.campaign import Campaign
from harness.model.fleet_event import AgentInvited
from harness.model.stream import same_name
from harness.monitor.monitoring_file import MonitoringFile, ServiceMonitoring, SiteMonitoring
from harness.untrusted.regular_file import read_bounded
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
    files = _Files(path.parent)
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


class _Files:
    """The files of an order, by their names; ``root`` is the folder of the monitoring file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: dict[str, bytes] = {}

    def name(self, given: str, beside: str) -> str:
        """The name of a file that the file ``beside`` names. Raises UsageError."""
        where = self.root / beside
        if given.startswith("/") or PureWindowsPath(given).drive or "\\" in given:
            msg = f"{where}: {given!r} must be a relative path with '/', to be sent to an agent"
            raise UsageError(msg)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(beside), given))
        if name == ".." or name.startswith("../"):
            msg = f"{where}: {given!r} is outside {self.root}; move it there to send it to an agent"
            raise UsageError(msg)
        return name

    def is_file(self, given: str, beside: str) -> bool:
        """Whether a path that the file ``beside`` names is a file."""
        return (self.root / posixpath.dirname(beside) / given).is_file()

    def add(self, given: str, beside: str) -> str:
        """Add a file that the file ``beside`` names; return its own name. Raises UsageError."""
        name = self.name(given, beside)
        if name not in self.found:
            path = self.root / name
            try:
                self.found[name] = read_bounded(path, MOST_BYTES)
            except OSError as error:
                msg = f"{path}: cannot be sent to an agent: {error.strerror or error}"
                raise UsageError(msg) from None
        return name


def _add_campaign(files: _Files, given: str, site: str) -> None:
    name = files.name(given, "")
    campaign = read_campaign(files.root / name)[0]
    _require_at(campaign, files.root / name, site)
    files.add(given, "")
    if campaign.origin:
        _add_origin(files, campaign.origin, name)
    if files.is_file(campaign.scheme, name):
        _add_scheme(files, campaign.scheme, name)
    for authority in dict.fromkeys(_authorities(campaign)):
        files.add(authority, name)
    for selection in campaign.corpora:
        folder = files.root / posixpath.dirname(name) / selection.pack
        if "/" in selection.pack or "\\" in selection.pack or folder.is_dir():
            _add_pack(files, selection.pack, name)


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


def _add_origin(files: _Files, given: str, beside: str) -> None:
    name = files.add(given, beside)
    origin = read_origin(files.root / name)
    if origin.authority:
        written = msgspec.json.decode(files.found[name], type=dict[str, Any])
        authority = str(written["authority"])
        files.name(authority, name)
        if files.is_file(authority, name):  # a campaign over simulated lines needs none
            files.add(authority, name)


def _add_scheme(files: _Files, given: str, beside: str) -> None:
    """Add a scheme, and the scheme and the policy that it builds on, as far as they are files."""
    name = files.name(given, beside)
    if name in files.found:
        return
    files.add(given, beside)
    data = read_document(files.root / name).data
    written = data if isinstance(data, dict) else {}
    parent, policy = written.get("parent"), written.get("policy")
    if isinstance(parent, str) and files.is_file(parent, name):
        _add_scheme(files, parent, name)
    if isinstance(policy, str) and files.is_file(policy, name):
        files.add(policy, name)


def _authorities(campaign: Campaign) -> Iterator[str]:
    """The files of certificate authorities that the lines of a campaign name."""
    options = [campaign.control.options]
    for line in campaign.lines:
        options += [line.options, *line.by_profile.values()]
    for each in options:
        if isinstance(given := each.get("authority"), str) and given:
            yield given


def _add_pack(files: _Files, given: str, beside: str) -> None:
    folder = files.name(given, beside)
    manifest = read_manifest(files.root / folder)
    files.add(posixpath.join(given, MANIFEST), beside)
    for resource in manifest.resources:
        name = files.name(resource.path, f"{folder}/{MANIFEST}")
        if not name.startswith(f"{folder}/"):
            msg = f"{files.root / folder / MANIFEST}: {resource.path!r} is outside the pack"
            raise UsageError(msg)
        files.add(resource.path, f"{folder}/{MANIFEST}")


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
