"""List the outages of a journal, on the screen and as a table of CSV."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from datetime import datetime
from pathlib import Path

from harness.cli.printing import say
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError
from harness.estimate.availability_metrics import outage_in_words
from harness.estimate.outages import Outage, all_outages
from harness.judge.composite_measurements import judge_maker
from harness.store.atomic_write import PRIVATE, write_whole

COLUMNS = (
    "line", "profile", "state", "after", "first_seen", "last_seen", "before",
    "least_seconds", "most_seconds", "checks", "reason",
)  # fmt: skip


def list_outages(folder: Path, table: Path | None) -> None:
    """Print the outages that the checks of a journal show; write them to ``table`` if given.

    Raises UsageError for a journal without checks.
    """
    with closing(open_unchanged(folder)) as journal:
        found = judge_maker(journal)().records.availability
        continuity = journal.header.campaign.service.continuity
    if not found.checks:
        msg = (
            f"{folder}: holds no checks of availability; make them first (accredit availability "
            "check)"
        )
        raise UsageError(msg)
    outages = all_outages(found, continuity.maintenance if continuity else ())
    for one in outages:
        say(f"{one.begins:%Y-%m-%d %H:%M:%S} {one.line} for {one.profile}: {outage_in_words(one)}")
    number = len(outages)
    unknown = sum(one.state == "unknown" for one in found.checks)
    not_told = (
        f"; {unknown:,} of them do not show whether it was up and filtered" if unknown else ""
    )
    say(f"{number} outage{'' if number == 1 else 's'} in {len(found.checks):,} checks{not_told}")
    if table is not None:
        write_whole(table, csv_of(outages), PRIVATE)
        say(f"table: {table}")


def csv_of(outages: list[Outage]) -> bytes:
    """Return outages as CSV (RFC 4180) with a row of names; times are in UTC.

    ``after`` is the last check before an outage that shows a filtered service, ``before`` the first
    one since then; they are empty if there is none.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for one in outages:
        writer.writerow(
            [
                one.line, one.profile, one.state, _time(one.good), _time(one.begins),
                _time(one.ends), _time(one.better), round(one.least, 3),
                "" if one.most is None else round(one.most, 3), one.checks, one.why,
            ]
        )  # fmt: skip
    return text.getvalue().encode()


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
