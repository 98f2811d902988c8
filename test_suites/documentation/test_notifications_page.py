"""The page on notifications names each kind, its example is read, and its limits are those."""

from __future__ import annotations

import re
from datetime import timedelta

from ruamel.yaml import YAML

from harness.cli.hub_notify_file import LONGEST_WINDOW, Notifying
from harness.model.declared import tupled
from harness.model.notification import NotificationKind
from harness.store.hub.outbox import FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/hub-notifications.md").read_text(encoding="utf-8")


def test_the_example_is_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    document = YAML(typ="safe", pure=True).load(example)

    read = Notifying.model_validate(tupled(document["notify"]))

    assert ["assessors", "northgate", "ticket desk"] == [each.name for each in read.targets]
    assert timedelta(minutes=5) == read.heartbeat.every if read.heartbeat else False


def test_each_kind_has_its_row() -> None:
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}

    assert {*NotificationKind} <= named


def test_the_limits_are_those_of_the_program() -> None:
    pauses = [min(LONGEST_PAUSE, FIRST_PAUSE * 2**each) for each in range(MOST_TRIES - 1)]

    assert f"after {MOST_TRIES} tries" in PAGE
    assert timedelta(days=7.5) < sum(pauses, timedelta(0)) < timedelta(days=8.5)
    assert f"at most {LONGEST_WINDOW.days} days" in PAGE
