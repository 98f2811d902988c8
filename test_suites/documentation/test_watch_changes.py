"""``accredit watch`` can read every file of events in the guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from harness.campaign.events_file import read_events
from harness.model.timed_event import EventKind
from test_suites.kit.rooms import ROOT

PAGE = ROOT / "docs" / "how-to" / "watch-changes.md"


def test_its_events_can_be_read_and_every_kind_is_explained(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    kinds = set()
    for written in re.findall(r"```yaml\n(events:.*?)```", text, re.DOTALL):
        (tmp_path / "events.yaml").write_text(written, encoding="utf-8")
        kinds |= {each.kind for each in read_events(tmp_path / "events.yaml")}

    assert kinds == {"rule", "list", "appeal", "override", "canary", "report"}
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == {*get_args(EventKind)}
