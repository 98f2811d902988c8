"""The page on formats of logs: its example runs, and what it says of limits, formats and verdicts is so."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path

import pytest

from harness.interop.logs import LOG_IMPORTERS, reading
from harness.interop.logs.dnsmasq_log import NULL_ADDRESSES
from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.mapping import UNITS, LogConstants, LogMapping, read_mapping
from harness.interop.logs.raw_lines import LINE_BYTES
from harness.interop.logs.times import AHEAD, NO_ZONE, OUT_OF_ORDER
from harness.interop.logs.unbound_log import ALLOWING, BLOCKING
from test_suites.documentation.task_runner import BLOCK
from test_suites.kit.campaigns.log_texts import NOW, read
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/log-formats.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
BLOCKS = {kind: [text for each, text in BLOCK.findall(PAGE) if each == kind] for kind in ("yaml", "text")}  # fmt: skip


def row_of(first: str) -> str:
    """The last row of the page whose first cell names this."""
    return [line for line in PAGE.splitlines() if line.startswith(f"| {first}")][-1]


def test_the_firewall_is_read_by_its_mapping(tmp_path: Path) -> None:
    path = tmp_path / "firewall.yaml"
    path.write_text(BLOCKS["yaml"][1], encoding="utf-8")
    log = tmp_path / "firewall.log"
    log.write_text(BLOCKS["text"][0], encoding="utf-8")
    options = LogOptions(now=NOW, mapping=read_mapping(path))

    found = list(reading.read_log(log, "syslog-log", options))

    assert [
        ("http://example.org/search?q=kittens", "kittens", "allowed", "Search Engines", 5120, 410),
        ("https://casino.example/", "", "blocked", "Gambling", 0, 388),
    ] == [
        (each.url, each.search, each.verdict, each.category, each.received, each.sent)
        for each in found
    ]
    assert {("10.1.4.17", "LAB-07", "pupil042", "GET")} == {
        (each.client, each.device, each.user, each.method) for each in found
    }


def test_answers_that_block_are_named_by_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "blocked-answers.yaml"
    path.write_text(BLOCKS["yaml"][0], encoding="utf-8")
    named = read_mapping(path)
    answer = "Nov 28 18:55:22 dnsmasq[7]: config page.example is 192.0.2.80\n"
    action = "[1795892100] unbound[1:0] info: a.example. redirect 127.0.0.1@1 a.example. A IN\n"

    for form, text in (("dnsmasq-log", answer), ("unbound-log", action)):
        assert ["blocked"] == [each.verdict for each in read(form, text, zone=UTC, mapping=named)]


def test_each_format_is_on_the_page_and_no_other() -> None:
    named = set(re.findall(r"`([a-z0-9]+-log)`", PAGE)) - {"rpz-log"}  # an option of Unbound

    assert set(LOG_IMPORTERS.load()) == named


def test_its_limits_are_so() -> None:
    assert f"have at most {LINE_BYTES // 1024} KiB" in WORDS
    assert f"the first {reading.MOST_NAMED} such lines" in WORDS
    assert (
        f"After {reading.MOST_UNREADABLE:,} of them, or if the first {reading.FIRST_LINES}" in WORDS
    )
    assert 10 * 60 == OUT_OF_ORDER.total_seconds()
    assert "more than ten minutes before the entry above it" in WORDS
    assert 1 == AHEAD.days
    assert "at most a day ahead" in WORDS
    assert "`--timezone`, such as `Europe/London`" in WORDS
    assert NO_ZONE.endswith("give --timezone, such as Europe/London")


def test_its_verdicts_of_dns_are_so() -> None:
    _, _, blocked, allowed, _ = row_of("`unbound-log` | `deny`").split("|")

    assert BLOCKING == set(re.findall(r"`([\w-]+)`", blocked))
    assert ALLOWING == set(re.findall(r"`([\w-]+)`", allowed))
    assert {"0.0.0.0", "::"} == NULL_ADDRESSES


@pytest.mark.parametrize("key", LogMapping.model_fields)
def test_each_key_of_a_mapping_is_on_the_page(key: str) -> None:
    assert re.search(rf"^\| .*`{key}`", PAGE, re.MULTILINE)


def test_the_values_of_its_keys_are_on_the_page() -> None:
    assert all(f"`{unit}`" in row_of("`time_format`") for unit in UNITS)
    assert all(name in row_of("`constants`") for name in LogConstants.model_fields)
