"""Write a submission to fill in: the rows of the scheme's policy, and each binding requirement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.taxonomy import shipped as taxonomy
from harness.cli.campaign_file import check_scheme, check_text
from harness.cli.campaign_packs import quoted
from harness.cli.printing import say
from harness.errors import UsageError
from harness.model.scheme import Scheme
from harness.model.submission import Submission
from harness.ports.storage import WallClock

if TYPE_CHECKING:
    from harness.cli.campaign_questions import Replies

USUAL_SCHEME = "becta-2008"

EDIT = "EDIT"
"""What marks each place where the supplier has to write.

``accredit submission check`` refuses a place that still holds only this word, in every text field.
"""


TAKEN = ("service", "supplier", "scheme")
"""The options that a new submission takes."""


def init_submission(replies: Replies, more: Sequence[str] = ()) -> None:
    """Write ``submission.yaml`` in this folder, and say what is to be done next.

    ``more`` are options that were given beside the replies. Raises UsageError, also for an option
    that is not of a submission.
    """
    given = [each.name for each in fields(replies) if getattr(replies, each.name)]
    if others := [name for name in (*given, *more) if name not in TAKEN]:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        msg = f"a submission takes --service, --supplier and --scheme alone; leave out {named}"
        raise UsageError(msg)
    path, scheme = Path("submission.yaml"), check_scheme(replies.scheme or USUAL_SCHEME)
    service = check_text(replies.service, "service")
    marked = write_submission_file(path, scheme, service, check_text(replies.supplier, "supplier"))
    then = f"accredit submission check {path}"
    say(f"wrote {path}; next: edit what is marked EDIT ({marked}), then {then}")


def with_submission(replies: Replies, path: Path) -> Submission:
    """Complete the replies for a campaign file by what a submission declares, and return it.

    Raises FaultyDocument if it has faults, UsageError if an option contradicts it.
    """
    from harness.cli.submission_checks import read_submission  # noqa: PLC0415 - only if asked

    told = read_submission(path, WallClock().now()).submission
    if replies.service or replies.supplier or replies.profile:
        msg = "--submission declares service, supplier and profiles; leave out these options"
        raise UsageError(msg)
    replies.service, replies.supplier = told.service.name, told.service.supplier
    replies.profile = [f"{name}={one.phase}" for name, one in told.profiles.items()]
    replies.scheme = replies.scheme or told.certification.scheme
    return told


def write_submission_file(path: Path, scheme: Scheme, service: str, supplier: str) -> int:
    """Write the file, and return how many places are to be edited.

    Raises UsageError if it exists or cannot be written.
    """
    text = submission_text(scheme, service, supplier)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        msg = f"{path} exists already; edit that file, or move it away"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    return text.count(f"# {EDIT}")


def submission_text(scheme: Scheme, service: str, supplier: str) -> str:
    """Return the text of a submission for a scheme."""
    asked = [one for one in scheme.requirements if one.binding]
    return TEMPLATE.format(
        service=quoted(service) if service else f'""    # {EDIT}: the name of the service',
        supplier=quoted(supplier) if supplier else f'""    # {EDIT}: the name of the supplier',
        scheme=quoted(scheme.id),
        policy="".join(_policy(scheme)),
        answers="".join(
            f"    # {one.title}\n    {one.id}: {{answer: ''}}    # {EDIT}\n" for one in asked
        ),
    )


def _policy(scheme: Scheme) -> Iterator[str]:
    """A row for each category of which the scheme expects something else than of its parent."""
    names = {category.code: category.name for category in taxonomy()}
    rows = scheme.policy.rows
    for code, row in rows.items():
        if row == rows.get(code.rpartition(".")[0]):
            continue
        wanted = set(row.values())
        expects = wanted.pop() if len(wanted) == 1 else "differs by age"
        yield f"  {code}: ''    # {EDIT}: {names.get(code, code)} ({scheme.id}: {expects})\n"


TEMPLATE = """\
# A submission: what a supplier declares of a service before it is assessed.
# Fill in what is marked EDIT, then: accredit submission check FILE
submission: first-submission

service:
  name: {service}
  supplier: {supplier}
  version: ''    # EDIT: the exact version that is to be assessed
  description: ''    # EDIT: what the service is, and what it cannot do, in a few sentences
  block_page:    # at least one of title, text (a sentence of the page) and host
    title: ''    # EDIT: the title of the page that a user sees instead
    # text: A sentence of at least twelve characters that stands on the page
    # host: blocked.example.net

# The same service under other names; each is accredited on its own.
white_labels: []
#  - {{name: County Filter, seller: County IT}}

contacts:
  - name: ''    # EDIT
    role: technical    # technical, safeguarding or commercial
    email: ''    # EDIT

# Two schools that use the service, whom the assessor may ask.
references: []

# Groups of users as the service knows them; the phase is ks1, ks2, ks3, ks4, post16 or staff.
# What is done with uploads and protocols is declared as in a campaign file.
profiles:
  pupils: {{phase: ks2}}
  staff: {{phase: staff}}

# The policy: for each category block, warn (a page that can be clicked through) or allow, for all
# profiles alike, or for each: {{pupils: block, staff: allow}}. A category without a row is treated
# as the one above it.
policy:
{policy}
# The records of who asked for what, when, and on which computer.
logs:
  format: csv    # squid, e2guardian, dnsmasq, unbound, csv, json, syslog, w3c or other
  timezone: Europe/London
  keeps_days: 365
  fields:
    who: ''    # EDIT: the field that names the user
    what: ''    # EDIT: the field that holds the address
    when: ''    # EDIT: the field that holds the time
    computer: ''    # EDIT: the field that tells the computer
  # sample: sample.csv    # an example, beside this file

# How the assessor's lists of test addresses get into the service.
lists:
  format: hosts    # see: accredit list exporters; or other
  steps: ''    # EDIT: what the assessor sends to whom, and what happens then
  within_hours: 24

# The supplier's own statement: meets, partly, does-not-meet or not-applicable.
# All but "meets" need a note: {{answer: partly, note: why}}
certification:
  scheme: {scheme}
  by: ''    # EDIT: who signs
  role: ''    # EDIT: in which role
  signed: ''    # EDIT: when, like 2026-11-24T12:00:00Z
  answers:
{answers}"""
