"""The wheel holds exactly the five rooms, with their data."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from test_suites.house.rooms import ROOMS, ROOT


def test_the_wheel_holds_exactly_the_five_rooms(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))

    names = zipfile.ZipFile(wheel).namelist()

    assert set(ROOMS) == {name.split("/")[0] for name in names if ".dist-info" not in name}
    for data in (
        "corpora/packs/canary/items.csv",
        "probes/net/pac_functions.js",
        "harness/schemes/becta-2008.yaml",
        "reports/documents/report.html.j2",
        "test_suites/accreditation/test_requirements.py",
    ):
        assert data in names
