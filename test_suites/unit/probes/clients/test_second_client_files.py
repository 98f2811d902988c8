"""The second client and files: what shows that one arrived, and what is recorded of it."""

from __future__ import annotations

import base64
from urllib.parse import quote, unquote

import msgspec
import pytest

from harness.model.corpus import Item
from harness.model.facts import WebFacts
from probes.net.file_contents import eicar
from test_suites.unit.probes.clients.visited import DENIED, HOST, ITEM, ORIGIN, served, visit

FILE = Item(id="i", value=f"http://{HOST}/a.com", labels=("MALW.MAL",), stratum="MALW.MAL/file:zip")
OFFERED = f'{DENIED}<a href="/copy">Get the file</a><a href="/about">About</a>'
KNOWN = " ".join(ORIGIN.words(HOST, "", "host"))
"""The words of a harmless file, which are also on other pages of its host."""


@pytest.mark.parametrize(
    ("copy", "sighting"),
    [(eicar().decode(), "seen"), ("clean", "absent"), (KNOWN, "absent")],
    ids=["test file", "another", "words of a harmless file"],
)
async def test_a_file_behind_a_link_arrived_if_it_is_the_test_file(
    copy: str, sighting: str
) -> None:
    async with served(lambda path, head: copy if path == "/copy" else OFFERED) as (line, paths):
        seen = await visit(line, FILE.value, FILE)

    assert isinstance(seen.facts, WebFacts)
    assert "/copy" in paths
    assert sighting == seen.facts.canary
    assert b"STANDARD-ANTIVIRUS" not in msgspec.json.encode(seen.facts)


async def test_a_harmless_file_arrived_if_it_came_from_its_own_address() -> None:
    shown: list[str] = []

    def once(path: str, head: str) -> str:
        shown.append(path)
        return DENIED if len(shown) == 1 else KNOWN

    async with served(once) as (line, _):
        seen = await visit(line, FILE.value, FILE)

    assert isinstance(seen.facts, WebFacts)
    assert "seen" == seen.facts.canary


IN_HEAD = f"200 OK\r\nX {eicar().decode()}: y", ""


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (FILE, ("302 Found\r\nLocation: /copy?" + quote(eicar(), safe=""), "")),
        (FILE, ("302 Found\r\nLocation: /copy?x" + base64.b64encode(eicar()).decode(), "")),
        (ITEM, ("302 Found\r\nLocation: /copy?" + eicar().decode(), "")),
        (ITEM, f"<title>{eicar().decode()}</title>"),
        (FILE, IN_HEAD),
        (ITEM, IN_HEAD),
    ],
    ids=["escaped", "Base64", "as it is", "title", "failure of a file", "failure of a page"],
)
async def test_no_answer_that_repeats_the_test_file_leaves_it_in_a_record(
    item: Item, said: tuple[str, str] | str
) -> None:
    async with served(lambda path, head: DENIED if "copy" in path else said) as (line, _):
        seen = await visit(line, f"http://{HOST}/", item)

    kept = unquote(msgspec.json.encode(seen).decode())
    assert seen.failure is not None or isinstance(seen.facts, WebFacts)
    assert "STANDARD-ANTIVIRUS" not in kept
    assert base64.b64encode(eicar()).decode() not in kept
