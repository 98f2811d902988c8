"""A feed of keyed digests holds nothing in plain, and nothing in plain gets out of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpora.build_pack import import_pack
from corpora.lint import lint
from corpora.pack_reader import open_pack
from corpora.read_list import ReportRow
from harness.errors import UsageError

Read = Callable[[str, str | bytes], list[ReportRow]]

DIGEST = "hmac-sha256:k1:" + "0" * 64


def test_digests_are_entries(read: Read) -> None:
    rows = read("hmac_feed", f"# x\n{DIGEST}\n{DIGEST}\n")

    assert [(row.value, row.match, row.status) for row in rows] == [
        (DIGEST, "hmac", "ok"),
        (DIGEST, "hmac", "duplicate"),
    ]


def test_what_is_in_plain_is_never_shown(read: Read) -> None:
    (row,) = read("hmac_feed", "http://secret.example/\n")

    assert (row.value, row.status, row.reason) == ("", "error", "not a keyed digest; not shown")


def test_a_pack_of_digests_is_a_sealed_list(tmp_path: Path) -> None:
    (tmp_path / "feed").write_text(f"{DIGEST}\nhttp://secret.example/\n")
    report = tmp_path / "report.csv"
    import_pack(
        "hmac_feed",
        tmp_path / "feed",
        tmp_path / "pack",
        created="2026-11-24T00:00:00Z",
        label="ILL.CSAM",
        report=report,
    )

    pack = open_pack(str(tmp_path / "pack"))
    (item,) = pack.items()
    assert (item.id, item.value, item.kind) == ("0" * 64, "0" * 64, "sealed")
    assert (item.labels, item.sensitivity, item.host) == (("ILL.CSAM",), "S4", "")
    assert (pack.manifest.accredit.sensitivity, pack.reference.kind) == ("S4", "agreed")
    assert lint(pack, datetime(2026, 11, 25, tzinfo=UTC)) == []
    for path in (*(tmp_path / "pack").iterdir(), report):
        assert "secret" not in path.read_text()


def test_it_needs_a_label(tmp_path: Path) -> None:
    (tmp_path / "feed").write_text(f"{DIGEST}\n")

    with pytest.raises(UsageError, match="--label CODE"):
        import_pack("hmac_feed", tmp_path / "feed", tmp_path / "pack", created="2026-11-24")
