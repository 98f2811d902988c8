"""A certificate as a PDF: the same bytes each time, what it holds, and what is not believed."""

from __future__ import annotations

import io
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from harness.cli import plan_step
from harness.cli.main import app
from harness.errors import EXTRAS, UsageError
from reports import certificate_page
from reports.certificate_page import embedded_certificate, render_certificate
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.certified import NOW, Certified


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certified:
    clock = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    return Certified(tmp_path, clock)


@pytest.fixture
def pdf(certified: Certified) -> Path:
    """The PDF of a certificate with Welsh letters."""
    certified.service("Rhwydwaith Ŵyn Ŷ", labels=("Hidlydd Tŷ",))
    certified.decide(supplier="Rhwydwaith Ŵyn Ŷ", white_labels=("Hidlydd Tŷ",))
    certified.run(*certified.issue_words())
    return certified.folder / "certificate.pdf"


def open_pdf(path: Path) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(path.read_bytes()))


def rewritten(document: pikepdf.Pdf, path: Path) -> Path:
    document.save(path)
    return path


def test_it_is_tagged_with_language_alternative_text_and_the_signed_json(pdf: Path) -> None:
    signed = (pdf.parent / "certificate.json").read_bytes()
    with open_pdf(pdf) as document:
        root = document.Root
        assert str(root.Lang) == "en-GB"
        assert bool(root.MarkInfo.Marked)
        assert "/StructTreeRoot" in root
        assert list(document.attachments) == ["certificate.json"]
        file = root.AF[0]
        assert str(file.AFRelationship) == "/Source"
        with document.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["pdfuaid:part"] == "1"
            assert "Certificate of accreditation C-" in metadata["dc:title"]
        assert "QR code of certificate C-" in "".join(alternative_texts(root.StructTreeRoot))
    assert embedded_certificate(pdf.read_bytes(), pdf) == signed


def alternative_texts(node: Any) -> list[str]:
    if not isinstance(node, pikepdf.Dictionary):
        return []
    below: Any = node.get("/K", [])
    children = list(below) if isinstance(below, pikepdf.Array) else [below]
    own = [str(node.Alt)] if "/Alt" in node else []
    return own + [text for child in children for text in alternative_texts(child)]


def test_the_same_certificate_gives_the_same_bytes(certified: Certified, pdf: Path) -> None:
    before = pdf.read_bytes()
    certified.run(*certified.issue_words())

    assert pdf.read_bytes() == before
    assert certified.verify(pdf, certified.status_list())["result"] == "valid"


def test_a_page_that_was_changed_is_not_valid(certified: Certified, pdf: Path) -> None:
    listed = certified.status_list()
    with open_pdf(pdf) as document:
        contents = document.pages[0].Contents
        contents.write(contents.read_bytes() + b"\n1 0 0 rg 0 0 500 500 re f")
        rewritten(document, pdf.with_name("changed.pdf"))

    assert "the page is not the one" in certified.found(
        pdf.with_name("changed.pdf"), listed, code=1
    )


def test_a_page_of_another_version_of_typst_is_not_known(certified: Certified, pdf: Path) -> None:
    listed = certified.status_list()
    with open_pdf(pdf) as document:
        document.docinfo["/Creator"] = "Typst 0.99.0"
        rewritten(document, pdf.with_name("other.pdf"))

    found = certified.found(pdf.with_name("other.pdf"), listed, code=3)
    assert "the page was not compared" in found
    assert "signed by key" in found


def test_a_pdf_with_other_attachments_is_not_valid(certified: Certified, pdf: Path) -> None:
    listed = certified.status_list()
    two, none = pdf.with_name("two.pdf"), pdf.with_name("none.pdf")
    with open_pdf(pdf) as document:
        document.attachments["other.json"] = b"{}"
        rewritten(document, two)
    with open_pdf(pdf) as document:
        del document.attachments["certificate.json"]
        rewritten(document, none)

    assert "must have one attachment, certificate.json; it has 2" in certified.found(
        two, listed, code=1
    )
    assert "it has 0" in certified.found(none, listed, code=1)


def test_a_pdf_that_is_none_or_that_unpacks_to_much_is_not_valid(
    certified: Certified, pdf: Path
) -> None:
    broken, bomb = pdf.with_name("broken.pdf"), pdf.with_name("bomb.pdf")
    broken.write_bytes(b"%PDF-1.7\n" + b"x" * 900)
    with open_pdf(pdf) as document:
        stream = document.attachments["certificate.json"].get_file().obj
        packed = zlib.compress(b"0" * 50_000_000, 9)
        stream.write(packed, filter=pikepdf.Name.FlateDecode)
        rewritten(document, bomb)

    assert "cannot be read as a PDF" in certified.found(broken, code=1)
    assert "is larger than 1048576 bytes" in certified.found(bomb, code=1)


def test_long_names_and_many_labels_break_into_lines_and_pages(
    certified: Certified, pdf: Path
) -> None:
    held = json.loads((pdf.parent / "certificate.json").read_bytes())
    said = held["certificate"]
    said["service"] = "Unbroken" * 25
    said["white_labels"] = [f"{number} {'w' * 190}" for number in range(30)]
    said["status"] = "accredited-with-action-plan"
    said["conditions"] = [{"requirement": f"URL-{n:02}", "due": "2026-05-01"} for n in range(40)]

    rendered = render_certificate(json.dumps(held).encode())

    with pikepdf.open(io.BytesIO(rendered)) as document:
        assert 2 <= len(document.pages) <= 5


def test_text_is_never_markup(pdf: Path) -> None:
    held = json.loads((pdf.parent / "certificate.json").read_bytes())
    held["certificate"]["supplier"] = '#panic("x") $x$ *b* ]] \\u{41} <a> @b'

    assert render_certificate(json.dumps(held).encode()).startswith(b"%PDF-")


def test_what_cannot_be_seen_is_printed_as_an_escape(pdf: Path) -> None:
    said = json.loads((pdf.parent / "certificate.json").read_bytes())["certificate"]
    said["supplier"], said["white_labels"] = "Acme\u202eemcA", ["a\u200bb", "tab\tbell\x07"]

    page = json.dumps(certificate_page._page(certificate_page._shown(said), []), ensure_ascii=False)

    assert all(letter.isprintable() for letter in page)
    assert "Acme\\\\u202eemcA" in page


def test_a_letter_without_a_glyph_is_refused_with_what_to_do(certified: Certified) -> None:
    certified.service("中文网络")
    certified.decide(supplier="中文网络")

    message = certified.refused(*certified.issue_words())

    assert "cannot be printed" in message
    assert "--no-pdf" in message
    assert not (certified.folder / "certificate.json").exists()
    assert certified.issue().exists()


def test_the_template_has_no_network_and_no_files() -> None:
    text = certificate_page.TEMPLATE.read_text(encoding="utf-8")

    assert not any(word in text for word in ("#import", "read(", "plugin(", "eval("))
    with pytest.raises(UsageError, match="cannot be read as a PDF"):
        embedded_certificate(b"%PDF-", "x")


def test_without_the_extra_json_is_issued_and_checked_and_a_pdf_says_what_to_install(
    certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified.service()
    certified.decide()
    for library in ("typst", "segno", "pikepdf"):
        monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "reports.certificate_page")

    assert certified.verify(certified.issue(), certified.status_list())["result"] == "valid"
    (certified.folder / "some.pdf").write_bytes(b"%PDF-1.7")
    key = ("--key", str(certified.public))
    for words in (
        certified.issue_words(),
        ("verify", str(certified.folder / "some.pdf"), *key),
    ):
        ended = certified.runner.invoke(app, ["certificate", *words])
        assert isinstance(ended.exception, ModuleNotFoundError)
        assert EXTRAS[str(ended.exception.name)] == "certificate"
