"""Build the lines of a campaign, and collect the faults of its file by their lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from harness.campaign.user_checks import (
    from_campaign,
    missing_authorities,
    unknown_sites,
    users_without_name,
)
from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.campaign import Campaign, LineDeclaration
from harness.model.observation import CONTROL
from harness.plugins import LINES
from harness.ports.network import Line, Origin
from harness.yaml_reader import Document, KeyPath, dotted, validate

T = TypeVar("T")

Lines = dict[tuple[str, str], Line]
"""Lines by name and profile."""


def build_lines(
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    origin: Origin | None,
    lane: str | None,
) -> Lines:
    """Return the lines by name and profile, the control among them; add to ``faults``.

    ``lane`` replaces the declared lane of each line that has lanes.
    """
    lines: Lines = {}
    control = LineDeclaration(
        name=CONTROL, type=campaign.control.type, options=campaign.control.options
    )
    declared: list[tuple[LineDeclaration, KeyPath]] = [(control, ("control",))]
    declared += [(line, ("lines", n)) for n, line in enumerate(campaign.lines)]
    declared += [
        (line, ("availability_lines", n)) for n, line in enumerate(campaign.availability_lines)
    ]
    names: set[str] = set()
    faults += unknown_sites(campaign, document)
    for line, at in declared:
        if line.name in names:
            remedy = "each line needs a name of its own; 'control' is taken"
            faults.append(fault_at(document, (*at, "name"), f"{line.name!r} is used twice", remedy))
        names.add(line.name)
        for profile in line.by_profile:
            if profile not in campaign.profiles:
                key = (*at, "by_profile", profile)
                faults.append(fault_at(document, key, "no such profile", known(campaign.profiles)))
        faults += users_without_name(line, at, campaign, document)
        faults += missing_authorities(line, at, campaign, document)
        lines |= _build_line(line, at, campaign, document, faults, origin, lane)
    return lines


def _build_line(
    line: LineDeclaration,
    at: KeyPath,
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    origin: Origin | None,
    lane: str | None,
) -> Lines:
    plugin = collect_faults(faults, document, (*at, "type"), partial(LINES.find, line.type))
    built: Lines = {}
    same: dict[str, Line] = {}
    if plugin is None:
        return built
    for profile in campaign.profiles:
        data = line.options_for(profile)
        if isinstance(given := data.get("authority"), str) and given:
            data["authority"] = from_campaign(Path(document.where), given)
        if lane is not None and "lane" in plugin.Options.model_fields:
            data["lane"] = lane
        where = (*at, "by_profile", profile) if profile in line.by_profile else (*at, "options")
        options = _options(plugin.Options, data, document, where, faults)
        if options is None:
            break
        shared = options.model_dump_json()
        if shared not in same:
            same[shared] = plugin(line.name, options, origin, campaign.limits)
        built[line.name, profile] = same[shared]
    return built


def _options(
    model: type[BaseModel],
    data: dict[str, Any],
    document: Document,
    at: KeyPath,
    faults: list[Fault],
) -> BaseModel | None:
    try:
        return validate(document, model, data, at)
    except FaultyDocument as faulty:
        faults += [fault for fault in faulty.faults if fault not in faults]
        return None


def collect_faults(
    faults: list[Fault], document: Document, at: KeyPath, act: Callable[[], T]
) -> T | None:
    """Return the result of ``act``; on a user error, note the fault at the line of ``at``."""
    try:
        return act()
    except FaultyDocument as faulty:
        faults += faulty.faults
    except UsageError as error:
        faults.append(fault_at(document, at, str(error), ""))
    return None


def fault_at(document: Document, at: KeyPath, found: str, remedy: str) -> Fault:
    """A fault of the value at a path of keys."""
    return document.fault(document.line_of(at), dotted(at), found, remedy)
