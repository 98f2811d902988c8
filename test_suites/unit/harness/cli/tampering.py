"""Ways to tamper with the folder of a finished campaign, each with what has to be said of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.store.journal.header import HEADER
from harness.store.journal.journal import open_journal
from harness.store.journal.journal_state import SealedSegment, write_head
from harness.store.journal.reader import past_heads
from harness.verdicts.cache_seal import Description, described, own_key, read_sealed, sealed

FORGED_ROW = "ILL-01"


class Tampering(NamedTuple):
    """What is done to a campaign's folder, and a pattern of the sentence that names it."""

    change: Callable[[Path], None]
    says: str


def flip(path: Path, place: float = 0.5) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def bodies(home: Path) -> list[Path]:
    """The bodies of evidence, sorted."""
    return sorted(path for path in (home / "evidence").rglob("*") if len(path.name) == 64)


def rows(home: Path) -> Path:
    """The file of the rows of cached verdicts."""
    (found,) = (home / "verdicts").glob("*.sqlite")
    return found


def _add_rows(home: Path) -> None:
    with rows(home).open("ab") as file:
        file.write(bytes(4096))


def kept_of(home: Path) -> Description:
    """The cached verdicts."""
    return described(read_sealed(home / "verdicts/kept.json"))


def made_to_conform(kept: Description) -> Description:
    """Cached verdicts in which no page of an illegal category arrived."""
    groups = msgspec.to_builtins(kept.counts)["fates"]
    for group in groups:
        if group["category"].startswith("ILL"):
            for sight in group["sights"]:
                sight[2:5] = ["blocked", "block_page", False]
    whole = msgspec.to_builtins(kept.counts) | {"fates": groups}
    return msgspec.structs.replace(kept, counts=msgspec.convert(whole, type(kept.counts)))


def forge_as_before_seals(home: Path) -> None:
    """Rewrite the cache as earlier versions wrote it: with a digest that anybody can make."""
    text = msgspec.json.encode(made_to_conform(kept_of(home)))
    document = {"sha256": hashlib.sha256(text).hexdigest(), "kept": msgspec.Raw(text)}
    (home / "verdicts/kept.json").write_bytes(msgspec.json.encode(document))


def forge_under_another_key(home: Path) -> None:
    forged = sealed(made_to_conform(kept_of(home)), secrets.token_bytes(32))
    (home / "verdicts/kept.json").write_bytes(forged)


def forge_under_the_old_seal(home: Path) -> None:
    path = home / "verdicts/kept.json"
    text = msgspec.json.encode(made_to_conform(kept_of(home)))
    document = json.loads(path.read_bytes()) | {"kept": json.loads(text)}
    path.write_text(json.dumps(document), encoding="utf-8")


def forge_with_the_users_key(home: Path) -> None:
    """What somebody can do who acts as the user on the user's machine."""
    key = own_key()
    assert key is not None
    (home / "verdicts/kept.json").write_bytes(sealed(made_to_conform(kept_of(home)), key))


def _manifest(home: Path) -> list[bytes]:
    return (home / "journal/manifest.jsonl").read_bytes().splitlines(keepends=True)


def _last_segment(home: Path) -> Path:
    return max((home / "journal").glob("segment-*.gz"))


def _cut_manifest(home: Path) -> None:
    (home / "journal/manifest.jsonl").write_bytes(b"".join(_manifest(home)[:-1]))


def _cut_segment(home: Path) -> None:
    _cut_manifest(home)
    _last_segment(home).unlink()


def _roll_back(home: Path) -> None:
    """Put the journal back to an older good state: segment, manifest and head together."""
    journal = home / "journal"
    last = msgspec.json.decode(_manifest(home)[-1], type=SealedSegment)
    held = open_journal(journal).head
    (older,) = (one for one in past_heads(open_journal(journal)) if one.hash == last.previous)
    _cut_segment(home)
    for path in journal.glob("segment-*.jsonl"):
        path.unlink()
    write_head(journal, msgspec.structs.replace(held, rows=older.rows, hash=older.hash))


def _edit(name: str, before: str, after: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        path = home / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    return change


def _edit_head(home: Path) -> None:
    path = home / "journal/head.json"
    head = json.loads(path.read_bytes())
    head["rows"] -= 1
    path.write_text(json.dumps(head, separators=(",", ":")) + "\n", encoding="utf-8")


def _new(name: str, content: bytes = b"{}\n") -> Callable[[Path], None]:
    def change(home: Path) -> None:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return change


def _copied(source: str, target: str) -> Callable[[Path], None]:
    return lambda home: (shutil.copy(home / source, home / target), None)[1]


def _removed(name: str) -> Callable[[Path], None]:
    return lambda home: (home / name).unlink()


def _swap_bodies(home: Path) -> None:
    first, second = bodies(home)[:2]
    first.write_bytes(second.read_bytes())


def _cut_body(home: Path) -> None:
    path = bodies(home)[0]
    path.write_bytes(path.read_bytes()[:-1])


def _seal_again(home: Path) -> None:
    """A segment with a page less under the old name; the manifest is not rewritten."""
    path = home / "journal/segment-000001.gz"
    kept = [
        line
        for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        if b"ill-csam" not in line
    ]
    path.write_bytes(gzip.compress(b"".join(kept)))


def _change_header(home: Path) -> None:
    path = home / "journal" / HEADER
    document: dict[str, Any] = json.loads(path.read_bytes())
    document["corpora"] = ["another 1.0.0 0"]
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _edit_heads(home: Path) -> None:
    path = home / "assessment-becta-2008.json"
    document = json.loads(path.read_bytes())
    document["journal_head"]["hash"] = "0" * 64
    path.write_text(json.dumps(document), encoding="utf-8")


SEGMENT = "journal/segment-000001.gz"

TAMPERINGS: dict[str, Tampering] = {
    "a byte of a sealed segment": Tampering(
        lambda home: flip(home / SEGMENT), r"segment-000001.gz: its SHA-256"
    ),
    "a segment without its misses": Tampering(
        _seal_again, r"segment-000001.gz: its SHA-256 does not match the manifest"
    ),
    "a segment removed": Tampering(_removed(SEGMENT), r"segment-000001.gz: .*missing"),
    "a line of the manifest cut off": Tampering(_cut_manifest, r"not in manifest.jsonl"),
    "the last segment cut off": Tampering(_cut_segment, r"head.json: .*end was changed"),
    "the journal rolled back with its head": Tampering(
        _roll_back, r"assessment-becta-2008.json: was made of a journal with the head .* never had"
    ),
    "a number in the manifest": Tampering(
        _edit("journal/manifest.jsonl", '"rows":', '"rows":1'), r"manifest.jsonl: byte 0: .*broken"
    ),
    "the header": Tampering(_change_header, r"manifest.jsonl: .*header.json or the first lines"),
    "the head removed": Tampering(_removed("journal/head.json"), r"head.json: is missing"),
    "the head with a row less": Tampering(_edit_head, r"head.json: .*end was changed"),
    "the seed": Tampering(_new("journal/seed", b"chosen\n"), r"seed: the seed does not match"),
    "the record of the instrument": Tampering(
        lambda home: flip(home / "journal/instrument.jsonl"), r"instrument.jsonl: byte 0"
    ),
    "the record of the instrument removed": Tampering(
        _removed("journal/instrument.jsonl"), r"instrument.jsonl: lines .* were removed"
    ),
    "a stop that was never made": Tampering(
        _new("journal/stops.jsonl", b'{"name":"plan 1 for pupils"}\n'), r"stops.jsonl"
    ),
    "a sealed segment added": Tampering(
        _copied(SEGMENT, "journal/segment-000099.gz"), r"segment-000099.gz: not in"
    ),
    "an open segment added": Tampering(
        _new("journal/segment-000099.jsonl", b'{"key":{}}\n'),
        r"segment-000099.jsonl: is no part of the journal",
    ),
    "lines beside a sealed segment": Tampering(
        _new("journal/segment-000001.jsonl", b'{"key":{}}\n'),
        r"segment-000001.jsonl: is not what was sealed",
    ),
    "a folder of segments": Tampering(
        _new("journal/more/segment-000001.jsonl"), r"journal/more: is no part of the journal"
    ),
    "a file of another kind in the journal": Tampering(
        _copied(SEGMENT, "journal/segment-000001.gz.bak"), r"gz.bak: is no part"
    ),
    "a byte of evidence": Tampering(
        lambda home: flip(bodies(home)[0]), r"evidence/.*: its SHA-256 does not match its name"
    ),
    "evidence that shows another page": Tampering(_swap_bodies, r"evidence/.*: its SHA-256"),
    "evidence cut off": Tampering(_cut_body, r"evidence/.*: its SHA-256"),
    "evidence removed": Tampering(
        lambda home: bodies(home)[0].unlink(), r"evidence: sha256:[0-9a-f]{64} is missing"
    ),
    "the kind of evidence removed": Tampering(
        lambda home: bodies(home)[0].with_suffix(".type").unlink(), r"evidence: sha256:.*missing"
    ),
    "a file added to the evidence": Tampering(
        _new("evidence/ab/picture.png"), r"picture.png: is no evidence: this file was added"
    ),
    "verdicts forged with a digest": Tampering(
        forge_as_before_seals, r"kept.json: claims to be of this version.*forged"
    ),
    "verdicts forged under another key": Tampering(
        forge_under_another_key, r"kept.json: holds other verdicts than the journal gives"
    ),
    "verdicts forged under the old seal": Tampering(
        forge_under_the_old_seal, r"kept.json: does not have the seal"
    ),
    "a byte of cached rows": Tampering(
        lambda home: flip(rows(home)), r"kept.json: its rows were changed"
    ),
    "cached rows removed": Tampering(
        lambda home: rows(home).unlink(), r"kept.json: .*damaged, or was changed"
    ),
    "cached rows added": Tampering(
        _add_rows,
        r"kept.json: its rows were changed",
    ),
    "half of the cache": Tampering(
        _new("verdicts/kept.json", b'{"kept":{'),
        r"kept.json: .*damaged, or was changed",
    ),
    "an assessment of another journal": Tampering(
        _edit_heads, r"assessment-becta-2008.json: was made of a journal"
    ),
    "an assessment that is none": Tampering(
        _new("assessment-becta-2008.json", b"conforms"), r"assessment-becta-2008.json: is no"
    ),
}
"""Each kind of tampering with a campaign's folder, by its name."""
