"""Write a commented campaign file from answers; ``accredit init`` asks for them.

What a person typed is checked here by what will read it later (the line, the scheme, the origin
file), and is quoted, so that the file is read back as it was meant.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.campaign.origin_file import read_origin
from harness.cli.campaign_packs import beside, corpora_text, probe_list, quoted
from harness.cli.compose import load_and_warn
from harness.cli.printing import shown
from harness.cli.scheme_items import SchemeItems, items_for
from harness.errors import UsageError
from harness.model.campaign import PHASES, Campaign, Limits
from harness.model.scheme import Scheme
from harness.model.submission import Submission
from harness.plugins import LINES
from harness.yaml_reader import Document, validate

ZONE = "accredit.test"
"""The zone of the range, whose hosts are the sentinels where no origin is known yet."""

LONGEST = 200
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DEVICE = re.compile(r"[^\s/:]{1,15}")
"""The name of a network device (Linux, IFNAMSIZ)."""
DOMAIN = re.compile(r"(?=.{1,200}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
NETNS = "netns:"

PLACES = ("site", "place", "device", "group")
"""The keys of a line that say where and for whom it is tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """A line of the campaign, or its control: name, type, options, and where it is tested."""

    name: str
    type: str
    options: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a campaign file is written from; ``to_edit`` names what was not answered.

    ``scheme`` is its name or path, ``loaded`` the scheme itself. ``submitted`` is what the supplier
    declares of the service, its block page and its profiles.
    """

    name: str
    service: str
    supplier: str
    lines: tuple[LineAnswer, ...]
    control: LineAnswer | None
    profiles: Mapping[str, str]
    scheme: str
    loaded: Scheme
    origin: Path
    to_edit: frozenset[str] = frozenset()
    submitted: Submission | None = None


def check_text(text: str, what: str, longest: int = LONGEST) -> str:
    """Return a text that a YAML file can hold. Raises UsageError, also if it is too long."""
    if len(text) > longest or not all(character.isprintable() for character in text):
        msg = f"{what}: write at most {longest} printable characters"
        raise UsageError(msg)
    return text


def check_name(text: str, what: str) -> str:
    """Return a name of a campaign, line or profile. Raises UsageError."""
    if not NAME.fullmatch(text):
        msg = f"{what} {text!r}: use letters, digits, '.', '_' and '-' (at most 64)"
        raise UsageError(msg)
    return text


def check_profile(text: str) -> tuple[str, str]:
    """Return name and phase of a profile that is written as NAME=PHASE. Raises UsageError."""
    name, _, phase = text.partition("=")
    check_name(name, "profile")
    if phase not in PHASES:
        msg = f"profile {text!r}: write it as NAME=PHASE; phases are {', '.join(PHASES)}"
        raise UsageError(msg)
    return name, phase


def check_scheme(text: str) -> Scheme:
    """Load a scheme by its name or path; warn if its review is overdue. Raises UsageError."""
    return load_and_warn(check_text(text, "scheme"))


def connection(text: str) -> dict[str, str]:
    """Return the options of a network connection: a device, an IP address or netns:NAME.

    Raises UsageError.
    """
    if text.startswith(NETNS) and NAME.fullmatch(text.removeprefix(NETNS)):
        return {"netns": text.removeprefix(NETNS)}
    try:
        return {"address": str(ipaddress.ip_address(text))}
    except ValueError:
        is_number = not re.search(r"[^0-9.]", text)
        if DEVICE.fullmatch(check_text(text, "network connection")) and not is_number:
            return {"device": text}
    msg = f"{text!r} is no network connection; write a device, an IP address or netns:NAME"
    raise UsageError(msg)


def check_line(line: LineAnswer) -> LineAnswer:
    """Return a line that can be built from its options. Raises UsageError."""
    for key, value in {**line.options, **line.places}.items():
        check_text(value, f"line {line.name!r}, {key}")
    plugin = LINES.find(line.type)
    try:
        plugin(line.name, plugin.Options(**line.options), None, Limits())
    except ValidationError as error:
        msg = f"line {line.name!r}: {error.errors()[0]['msg']}"
        raise UsageError(msg) from None
    return line


def zone_of(origin: Path) -> str:
    """Return the zone of an origin file; that of the range if there is no file yet.

    Raises UsageError if the file is wrong.
    """
    zone = read_origin(origin).zone if origin.exists() else ZONE
    if not DOMAIN.fullmatch(zone):
        msg = f"{origin}: its zone {zone!r} is not a domain name"
        raise UsageError(msg)
    return zone


def campaign_text(answers: Answers, path: Path) -> str:
    """Return the text of a campaign file for ``path``. Raises UsageError, FaultyDocument."""
    items = items_for(answers.loaded, answers.profiles)
    scheme = Path(answers.scheme)
    values = {
        "file": shown(str(path)),
        "name": quoted(answers.name),
        "service": _marked(quoted(answers.service), answers, "service", "the service under test"),
        "supplier": quoted(answers.supplier),
        "declared": _declared(answers.submitted),
        "origin": _marked(
            quoted(beside(answers.origin, path)), answers, "origin", "there is no such file yet"
        ),
        "control": _control(answers),
        "lines": "".join(_line(line, answers, items) for line in answers.lines),
        "profiles": "".join(
            f"  {quoted(name)}: {_profile(answers, name, phase)}\n"
            for name, phase in answers.profiles.items()
        ),
        "corpora": corpora_text(
            items,
            answers.origin.parent,
            path,
            asks_names=any(line.type == "resolver" for line in answers.lines),
        ),
        "probes": probe_list(items, answers.origin.parent, "", "web"),
        "scheme": quoted(beside(scheme, path) if scheme.is_file() else answers.scheme),
        "scope": _scope(answers),
        "zone": zone_of(answers.origin),
        "twins": items.twins or 59,
    }
    text = TEMPLATE.format(**values)
    validate(Document(str(path), text), Campaign)
    return text


def write_campaign_file(answers: Answers, path: Path) -> None:
    """Write a campaign file; only its owner can read it if it holds a password.

    Raises UsageError if the file exists or cannot be written.
    """
    text = campaign_text(answers, path)
    lines = (*answers.lines, *filter(None, [answers.control]))
    is_secret = any("@" in value for line in lines for value in line.options.values())
    if path.exists() or path.is_symlink():
        raise already_there(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if is_secret else 0o666
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except BaseException:
            path.unlink()
            raise
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None


def already_there(path: Path) -> UsageError:
    """The error for a campaign file that exists."""
    return UsageError(f"{path} exists already; choose another folder, or edit that file")


def _scope(answers: Answers) -> str:
    """Web filtering only, where the scheme asks for more, and nothing is submitted for it."""
    beyond = answers.loaded.beyond("web")
    if not beyond or answers.submitted is not None:
        return ""
    return SCOPE.format(beyond=", ".join(beyond))


def _declared(submitted: Submission | None) -> str:
    """What a submission declares of the service beside its name and supplier, as lines."""
    if submitted is None:
        return ""
    left = {"name", "supplier", "description"}
    told = submitted.service.model_dump(mode="json", exclude_defaults=True, exclude=left)
    told["records"] = {"keeps_days": submitted.logs.keeps_days} | told.get("records", {})
    return "".join(f"  {key}: {json.dumps(value)}\n" for key, value in told.items())


def _profile(answers: Answers, name: str, phase: str) -> str:
    if answers.submitted is None:
        return f"{{phase: {phase}}}"
    told = answers.submitted.profiles[name]
    return json.dumps(told.model_dump(mode="json", exclude_defaults=True))


def _marked(value: str, answers: Answers, key: str, note: str) -> str:
    return f"{value}    # EDIT: {note}" if key in answers.to_edit else value


def _line(line: LineAnswer, answers: Answers, items: SchemeItems) -> str:
    rows = [f"  - name: {quoted(line.name)}", f"    type: {line.type}"]
    rows += [f"    {key}: {quoted(line.places[key])}" for key in PLACES if line.places.get(key)]
    if line.type == "resolver":
        probes = probe_list(items, answers.origin.parent, line.type, "dns", "web")
        rows.append(f"    probes: {probes}     # dns checks the answer; web also times the page")
    elif items.needs_second_probe:
        probes = probe_list(items, answers.origin.parent, line.type, "web")
        rows.append(f"    probes: {probes}   # the scheme needs them")
    rows += ["    options:", *_options(line.options, 6)]
    if "line" in answers.to_edit:
        rows[-1] += "    # EDIT: the address of the service's proxy"
    return "\n".join(rows) + "\n"


def _options(options: Mapping[str, str], indent: int) -> list[str]:
    return [f"{' ' * indent}{key}: {quoted(value)}" for key, value in options.items()]


def _control(answers: Answers) -> str:
    """The control: the given connection, or a note where it must differ from the line's."""
    if answers.control is not None:
        rows = ["control:", f"  type: {answers.control.type}"]
        if answers.control.options:
            rows += ["  options:", *_options(answers.control.options, 4)]
        return "\n".join(rows) + "\n"
    if "control" in answers.to_edit:
        return (
            "control: {type: control}    # EDIT: name a connection past the service, such as\n"
            '#  {type: interface, options: {device: eth2, resolver: "192.0.2.53:53"}}\n'
        )
    return "control: {type: control}\n"


SCOPE = """\
# Web filtering only: nothing is said about {beyond},
# and no accreditation is decided. For the whole service remove this line, and use accredit log,
# mail, availability and assess as well, as far as the scheme asks for them.
scope: web
"""

TEMPLATE = """\
# A campaign: what is measured, over which lines, with which corpora and probes.
# Next: accredit doctor {file}
#       accredit measure --dry-run {file}    (its cost, and what it can decide)
#       accredit run {file}
campaign: {name}
title: First look at a filtered internet service

service:
  name: {service}
  supplier: {supplier}
{declared}
# The canary origin: pages whose arrival proves that nothing blocked them.
# "accredit range up" starts one on this machine, "accredit origin init" on a host of your own.
origin: {origin}

# The unfiltered line, past the service: every item is tried on it as well.
{control}
# The lines through the service. Each is assessed separately. Known types: accredit list lines
lines:
{lines}
# Age groups as the service knows them. The phase selects the column of the policy:
# ks1, ks2, ks3, ks4, post16 or staff. A line's options for one group go under by_profile.
profiles:
{profiles}
# What is tried: for each requirement of the scheme as many items as it needs. A seeded sample is
# drawn from each category and from its must-allow twins; a census needs every item.
# Agreed items, whose names the supplier loads, show that a list is enforced; harmless pages show
# what is blocked wrongly.
corpora:
{corpora}  # Real items, drawn from a list and hidden from the supplier: they show what its
  # filter knows.
  # "accredit corpus import" and "accredit corpus sample --audience sealed" make these packs.
#  - pack: ./real-items
#  - pack: ./harmless-items

# Without hidden real items a pass is limited to the agreed list. This line accepts that limit;
# remove it when you use the packs above.
items: agreed

probes: {probes}                     # known probes: accredit list probes
scheme: {scheme}               # known schemes: accredit scheme list
{scope}
# A random seed for the samples is made and kept in the journal's folder. Give your own (seed: ...)
# to try the same items in another campaign. Anyone who knows the seed knows what is tried.

# Hosts agreed with the supplier: one must pass, one must be blocked. They are tried before and
# after every batch, so that a dead line or a filter that is off never counts as a result.
sentinels:
  must_allow: [amber-lantern.{zone}]
  must_block: [copper-meadow.{zone}]

limits:
  timeout: 5                      # seconds; a timeout is tried again with the next value
  confirmation_timeout: 15
  concurrency: 20

# A sample of the items is tried once more as a pupil would, and the results are compared, to find
# a service that filters only for the test. It takes two minutes for each line, profile and probe.
plain_twins:
  number: {twins}
  pause: 1                        # seconds between two visits, on average
"""
