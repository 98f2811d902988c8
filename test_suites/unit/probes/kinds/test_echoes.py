"""The anti-malware test string is in no record, whatever a service repeats of what was sent."""

from __future__ import annotations

import base64
import gzip
import html
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import Certificate, WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Failure, Observation, Timings
from harness.ports.network import Attempt, Exchange, Origin, ProbeResult, Request
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from probes.kinds.download import Download
from probes.kinds.upload import Upload
from probes.kinds.web import Web
from probes.net import file_contents
from probes.net.cleaned_facts import body_holds_test_string
from probes.net.file_contents import Opening, eicar

HOST = "sent-001.canary.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)
STRING = eicar().decode()
CODED = {
    "plain": STRING,
    "in JSON": STRING.replace("\\", "\\\\"),
    "Base64": base64.b64encode(eicar()).decode(),
    "percent signs": quote(STRING, safe=""),
    "all percent signs": "".join(f"%{each:02x}" for each in eicar()),
    "references": html.escape(STRING),
    "hexadecimal": eicar().hex(),
}


def pages(said: str) -> dict[str, Exchange]:
    """Block pages that repeat a text, each in another part."""
    blocked = Exchange(timings=Timings(total=0.1), status=403, body=b"<h1>Blocked</h1>")
    text = html.escape(said)
    bodies = {
        "title": f"<title>{text}</title>",
        "body": f"<p>The file <code>{text}</code> is not allowed.</p>",
        "link": f'<a href="/appeal?file={text}">Appeal</a><form action="/{text}"></form>',
        "data": f'<a href="data:application/octet-stream;base64,{text}">x</a>',
        "frame": f'<iframe src="/why?{text}"></iframe><img src="http://t.test/{text}">',
    }
    shown = {name: replace(blocked, body=body.encode()) for name, body in bodies.items()}
    shown |= {f"{name} in UTF-16": replace(blocked, body=body.encode("utf-16"))
              for name, body in bodies.items()}  # fmt: skip
    for name in ("via", "server", "x-blocked-by", "content-type", "link", "cache-control"):
        value = f'<{said}>; rel="icon"' if name == "link" else said
        shown[name] = replace(blocked, headers=((name, value),))
    shown["location"] = replace(blocked, headers=(("location", f"/{said}"),))
    shown["redirect"] = replace(
        blocked, status=302, headers=(("location", f"http://{HOST}/?{said}"),)
    )
    shown["failure"] = replace(
        blocked, failure=Failure(name="http_invalid_response", stage="response", detail=said)
    )
    shown["certificate"] = replace(blocked, certificate=Certificate(chain=("a",), issuer=said))
    return shown


class Echoing:
    """A line whose service shows one page; a redirect leads to an ordinary one."""

    origin = ORIGIN
    name = "proxy"

    def __init__(self, page: Exchange) -> None:
        self._pages = [page]

    async def fetch(self, request: Request) -> Exchange:
        if len(self._pages) == 1 and self._pages[0].status != 302:
            return self._pages[0]
        return self._pages.pop() if self._pages else Exchange(timings=Timings(), status=403)


def attempt(probe: str, stratum: str) -> Attempt:
    item = Item(id="a", value=f"http://{HOST}/", labels=("LOC.FSHR",), kind="url", stratum=stratum)
    key = AttemptKey(campaign="c", item="a", probe=probe, line="proxy", profile="ks2")
    marker = mark(ORIGIN.key, key, HOST)
    return Attempt(key=key, item=item, limits=Limits(), timeout=600.0, marker=marker)


async def tried(probe: Any, stratum: str, said: dict[str, str]) -> list[ProbeResult]:
    """What a probe records of each page that repeats each of the texts."""
    return [
        await probe().try_item(attempt(probe.__name__.lower(), stratum), Echoing(page))
        for text in said.values()
        for page in pages(text).values()
    ]


def kept_on_disk(folder: Path, results: list[ProbeResult]) -> bytes:
    """All that is on the disk once the results are in a journal: open, and sealed."""
    journal = SegmentJournal.create(folder / "journal", {"campaign": "{}", "corpora": []})
    evidence = EvidenceFolder(folder / "evidence")
    seen = [
        Observation(
            key=replace(attempt("web", "").key, item=f"{number}"),
            item=attempt("web", "").item,
            started=datetime(2026, 1, 1, tzinfo=UTC),
            batch=1,
            timings=result.timings,
            facts=result.facts,
            failure=result.failure,
            evidence=tuple(map(evidence.keep, result.evidence)),
        )
        for number, result in enumerate(results)
    ]
    journal.append(1, seen)
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    wide = (file[start:].decode("utf-16-le", "replace") for file in files for start in (0, 1))
    journal.seal()
    kept = "".join(f"{each}" for each in journal.observations())
    journal.close()
    return b"\n".join((*files, kept.encode(), "\n".join(wide).encode()))


def assert_clean(kept: bytes) -> None:
    for way, coded in CODED.items():
        assert coded.encode() not in kept, way


@pytest.mark.parametrize(
    ("probe", "stratum"),
    [
        (Upload, "LOC.FSHR/upload:post: test file"),
        (Upload, "LOC.FSHR/upload:query: test file"),
        (Download, "MALW.MAL/file:zip by HTTP GET"),
    ],
)
async def test_a_page_that_repeats_a_file_is_recorded_without_it(
    tmp_path: Path, probe: Any, stratum: str
) -> None:
    results = await tried(probe, stratum, CODED)

    assert_clean(kept_on_disk(tmp_path, results))
    statuses = {one.facts.status for one in results if isinstance(one.facts, WebFacts)}
    assert statuses == {403}


async def test_any_page_is_recorded_without_the_string_as_it_is(tmp_path: Path) -> None:
    plain = {"plain": STRING}
    results = await tried(Web, "GAMB", plain)

    assert STRING.encode() not in kept_on_disk(tmp_path, results)


async def test_of_an_address_that_repeats_a_file_the_host_stays() -> None:
    page = pages(quote(STRING, safe=""))["redirect"]
    line: Any = Echoing(page)
    seen = await Upload().try_item(attempt("upload", "LOC.FSHR/upload:query: test file"), line)

    assert isinstance(seen.facts, WebFacts)
    assert [seen.facts.url, *(hop.url for hop in seen.facts.hops)] == [f"http://{HOST}/"] * 2


MIB = 1024 * 1024


def shown(*runs: bytes) -> Exchange:
    """A page that shows Base64 of files, each behind a letter."""
    body = b"<p>" + b" ".join(b"x" + base64.b64encode(run) for run in runs)
    return Exchange(timings=Timings(), status=403, body=body)


@pytest.mark.parametrize("number", [60, 5000])
def test_no_page_of_many_files_is_opened_beyond_its_limit(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inflated: list[int] = []
    inflate = file_contents._inflated

    def counted(data: bytes, limit: int) -> Any:
        found = inflate(data, limit)
        inflated.append(len(found.data))
        assert sum(inflated) <= 3 * (Opening().total + 4 * MIB)
        return found

    monkeypatch.setattr(file_contents, "_inflated", counted)
    inner = gzip.compress(bytes(4 * MIB))
    bombs = (gzip.compress(inner + b"%d" % each, 1) for each in range(number))

    assert body_holds_test_string(shown(*bombs))


@pytest.mark.parametrize("others", [0, 60, 70])
def test_a_file_behind_a_letter_is_found_among_many(others: int) -> None:
    letters = [b"%d a letter of the garden centre about its plants. " % each * 2
               for each in range(others)]  # fmt: skip

    assert body_holds_test_string(shown(*letters, eicar()))
    assert body_holds_test_string(shown(*letters)) == (others == 70)


@pytest.mark.parametrize("start", [b"xBZh", b"x" * 258 + b"ustar"])
def test_base64_that_looks_like_a_container_hides_no_other(start: bytes) -> None:
    body = start + b"A" * 200 + b" x" + base64.b64encode(eicar())

    assert body_holds_test_string(Exchange(timings=Timings(), body=body))


def test_a_page_with_more_base64_than_is_searched_is_not_kept() -> None:
    letter = b"a letter of the garden centre about its plants. " * 20_000

    assert body_holds_test_string(shown(letter, eicar()))
    assert body_holds_test_string(shown(letter, gzip.compress(eicar()), letter))
    assert not body_holds_test_string(shown(letter[:9600]))
