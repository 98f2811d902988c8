"""The page about uploads names the states, limits and keys as they are."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from harness.cli import hub_uploads
from harness.cli.hub_file import HubFile
from harness.model.declared import tupled
from harness.store.hub.upload_store import UploadState
from harness.store.uploads import MOST_UNFINISHED, MOST_UNREPORTED
from reports.dashboard import request_bodies, upload_events
from reports.dashboard.pages import uploads
from reports.dashboard.upload_api import STATUS
from reports.dashboard.upload_port import MOST_NAME, MOST_PART, MOST_SIZE
from test_suites.documentation.task_runner import BLOCK
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/hub-uploads.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_example_of_a_hub_file_is_one() -> None:
    ((_, text),) = BLOCK.findall(PAGE)
    document = YAML(typ="safe", pure=True).load(text)
    made = HubFile.model_validate(
        tupled(document | {"monitoring": "m.yaml", "url": "https://hub.example.org"})
    )

    assert [True, False] == [each.is_evidence for each in made.trusted]
    assert ("schemes/our-scheme.yaml",) == made.schemes


def test_a_new_hub_has_the_example_as_a_comment(tmp_path: Path) -> None:
    text = (HubExample(tmp_path).make().hub / "hub.yaml").read_text(encoding="utf-8")
    (_, shown) = BLOCK.findall(PAGE)[0]
    commented = text.replace("# - {", "- {").replace("# trusted:", "trusted:")

    assert shown.splitlines()[:2] == [
        each for each in commented.splitlines() if "laboratory" in each or each == "trusted:"
    ]


def test_each_state_is_named() -> None:
    assert {each.value for each in UploadState} <= set(
        re.findall(r"`([a-z-]+)`", section("States"))
    )


def test_the_limits_are_those_of_the_code() -> None:
    limits = section("Limits")
    assert f"| {MOST_SIZE // 1024**3} GiB; {MOST_PART // 1024**2} MiB |" in limits
    assert f"| {MOST_UNFINISHED} |" in limits
    assert f"| {hub_uploads.MOST_OPEN}; {MOST_UNREPORTED // 1024**3} GiB |" in limits
    assert f"| {upload_events.MOST_READERS}; {uploads.MOST_AT_ONCE} |" in limits
    assert f"| {hub_uploads.RESERVE // 1024**2} MiB |" in limits
    parts, forms = request_bodies.BODY_WITHIN, request_bodies.FILE_WITHIN
    assert f"| {parts:.0f} s; {forms / 3600:.0f} h |" in limits
    assert f"| {MOST_NAME} |" in limits
    assert f"last {hub_uploads.SELF_TESTS} self-tests" in PAGE
    api = section("API")
    assert f"after\n{upload_events.LONGEST / 60:.0f} minutes" in api
    assert f"every {upload_events.BEAT_EVERY:.0f} seconds" in api
    assert all(str(status) in api for status in STATUS.values())
