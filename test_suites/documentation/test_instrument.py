"""The reference of the instrument record explains each of its fields."""

from __future__ import annotations

import re

from harness.model.instrument_record import InstrumentRecord
from probes.net.tls_facts import SERVER_NAME
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/instrument.md").read_text(encoding="utf-8")


def test_each_field_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert list(InstrumentRecord.__struct_fields__) == rows
    assert SERVER_NAME in PAGE
