"""A certificate as a PDF: PDF/A-3a and PDF/UA-1 as typst claims, with the signed JSON attached.

The same signed certificate gives the same bytes with the same version of typst: the fonts are
those inside typst, and the date is that of the certificate. Needs the extra ``certificate``.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pikepdf
import rfc8785
import segno
import typst

from harness.errors import UsageError
from harness.model.certificate import LONGEST_FILE
from harness.model.decision import Status
from harness.model.person_names import shown_name
from harness.model.signature import shown_identity
from harness.untrusted.visible_text import visible
from reports.words import STATUSES

TEMPLATE = Path(__file__).parent / "documents" / "certificate.typ"
ATTACHED = "certificate.json"
_TITLE_SIZES, _LONG_TITLE = ((40, 26), (90, 20)), 14
"""Points of a title of at most so many characters, and of longer ones."""


def render_certificate(signed: bytes) -> bytes:
    """The PDF of a signed certificate (``certificate.json``), which is attached to it.

    Raises UsageError if a name has a letter that the fonts lack.
    """
    held = json.loads(signed)
    page = _page(_shown(held["certificate"]), _digests(held))
    try:
        rendered = typst.compile(
            TEMPLATE.read_bytes(),
            format="pdf",
            pdf_standards=["a-3a", "ua-1"],
            sys_inputs={
                "page": json.dumps(page, ensure_ascii=False),
                "qr": _qr_code(held),
                "signed": signed.decode(),
            },
            timestamp=int(_time(held["certificate"]["issued_at"]).timestamp()),
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        msg = (
            f"the certificate cannot be printed: {error}; if a name has letters that are not "
            "Latin, Greek or Cyrillic, issue it as JSON alone (--no-pdf)"
        )
        raise UsageError(msg) from None
    return bytes(rendered)


def embedded_certificate(pdf: bytes, where: object) -> bytes:
    """The signed certificate in a PDF. Raises UsageError unless it is the only attachment."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            names = list(document.attachments)
            if names == [ATTACHED]:
                return _unpacked(document.attachments[ATTACHED].get_file().obj)
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, zlib.error) as error:
        msg = f"{where}: cannot be read as a PDF: {error}"
        raise UsageError(msg) from None
    msg = f"{where}: must have one attachment, {ATTACHED}; it has {len(names)}"
    raise UsageError(msg)


def _unpacked(stream: pikepdf.Object) -> bytes:
    """The bytes of an attachment. Raises ValueError if it is large or packed in another way."""
    packed, way = bytes(stream.read_raw_bytes()), str(stream.get("/Filter", ""))
    if way not in ("", "/FlateDecode"):
        msg = f"{ATTACHED} is packed by {way}"
        raise ValueError(msg)
    content = zlib.decompressobj().decompress(packed, LONGEST_FILE + 1) if way else packed
    if len(content) > LONGEST_FILE:
        msg = f"{ATTACHED} is larger than {LONGEST_FILE} bytes"
        raise ValueError(msg)
    return content


def compare_page(pdf: bytes, signed: bytes) -> bool | None:
    """Whether a PDF is the one made from a signed certificate, byte for byte.

    ``None``: it differs, but it says that another version of typst made it. Raises UsageError if
    no page can be made from the certificate, whose signature has to hold.
    """
    again = render_certificate(signed)
    if again == pdf:
        return True
    return False if _maker(pdf) == _maker(again) else None


def _maker(pdf: bytes) -> str:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return str(document.docinfo.get("/Creator", ""))


def _shown(part: Any) -> Any:
    """A part of a certificate in which what cannot be seen, or turns letters round, is escaped."""
    if isinstance(part, dict):
        return {name: _shown(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_shown(value) for value in part]
    return visible(part) if isinstance(part, str) else part


def _digests(held: Any) -> list[dict[str, str]]:
    said = held["certificate"]
    return [
        {"name": "certificate", "value": _digest(said)},
        {"name": "signing key", "value": held["signature"]["keyid"]},
        {"name": "journal", "value": said["basis"]["journal"]},
        {"name": "assessment", "value": said["basis"]["assessment"]},
    ]


def _digest(said: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def _qr_code(held: Any) -> str:
    """The QR code (ISO/IEC 18004, level M) of number, digest and key, as SVG."""
    said = held["certificate"]
    text = f"{said['number']} sha256:{_digest(said)} key:{held['signature']['keyid'][:16]}"
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()


def _page(said: Any, digests: list[dict[str, str]]) -> dict[str, Any]:
    """What the page shows, as texts."""
    issued, service = _time(said["issued_at"]), f"{said['service']} {said['version']}"
    open_plans = len(said["conditions"])
    conditions = ""
    if said["status"] != "accredited":
        conditions = f", with {_counted(open_plans)}" if open_plans else ", with an action plan"
    return {
        "title": f"Certificate of accreditation {said['number']}: {service}",
        "number": said["number"],
        "body": said["body"]["name"],
        "address": said["body"]["address"],
        "issued": {
            name: getattr(issued, name)
            for name in ("year", "month", "day", "hour", "minute", "second")
        },
        "with-plan": said["status"] != "accredited",
        "with-conditions": conditions,
        "limited-to": f" ({said['limited_to']})" if said["limited_to"] else "",
        "service": service,
        "title-size": next(
            (size for most, size in _TITLE_SIZES if len(service) <= most), _LONG_TITLE
        ),
        "supplier": said["supplier"],
        "scheme": f"{said['scheme']['id']}, version {said['scheme']['version']}",
        "qr-alt": f"QR code of certificate {said['number']}, its digest and its signing key",
        "facts": _facts(said),
        "white-labels": said["white_labels"],
        "conditions": [
            {"requirement": one["requirement"], "due": _day(one["due"])}
            for one in said["conditions"]
        ],
        "means": said["statement"]["means"],
        "does-not-mean": said["statement"]["does_not_mean"],
        "status-list": said["status_list"],
        "digests": digests,
    }


def _facts(said: Any) -> list[dict[str, str]]:
    basis = said["basis"]
    scope = "; ".join(f"{one['profile']} on {one['line']}" for one in said["scope"])
    facts = (
        ("Status", STATUSES[Status(said["status"])], f"decision {said['decision']}"),
        ("Valid", f"{_day(said['decided_at'])} to {_day(said['valid_until'])}", ""),
        ("Decided by", shown_name(said["decided_by"]), _decider(said)),
        ("Issued by", shown_name(said["issued_by"]), _day(said["issued_at"])),
        ("Measured", f"{_day(basis['begun'])} to {_day(basis['concluded'])}", ""),
        ("Scope", scope or "as measured", "groups of people, and lines to the service"),
    )
    return [{"name": name, "value": value, "note": note} for name, value, note in facts]


def _decider(said: Any) -> str:
    identity = shown_identity(said["decided_by"], said.get("decided_key", ""))
    return f"took no part in the evaluation; {identity}"


def _counted(number: int) -> str:
    return "one requirement to be fixed" if number == 1 else f"{number} requirements to be fixed"


def _day(text: str) -> str:
    moment = _time(text)
    return f"{moment.day} {moment:%B %Y}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
