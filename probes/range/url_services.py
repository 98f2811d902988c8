"""Services of the origin for the cases of ``harness.model.url_case``.

They answer with images, scripts and videos on any host, redirect step by step or to other hosts of
the origin, and show harmful pages of users beside harmless ones, and harmless pages with suspicious
words.
"""

from __future__ import annotations

import html
import json
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.model.marker import protocol_proof
from harness.model.url_case import deep_path
from probes.range.image_card import image_card
from probes.range.origin_pages import Marks, Page, document, marked_page, marked_piece
from probes.range.zone import normalise

if TYPE_CHECKING:
    from probes.range.origin_services import ServiceRequest

OBJECT_PATH = "/objects/"
"""What precedes the path of an object on any host."""
REDIRECT_PATH = "/go/"


def redirect_chain(asked: ServiceRequest) -> Page:
    """Redirect from ``/NAME/3`` to ``/NAME/2`` and so on; show a page at ``/NAME/0``.

    A redirect has no token: a client that got no further has not seen the page.
    """
    path = asked.request.path
    folder, _, step = path.rpartition("/")
    number = int(step) if step.isascii() and step.isdigit() and len(step) == 1 else 0
    if number == 0:
        return asked.pages.page(asked.host, path, asked.scheme, asked.nonce)
    location = f"{folder}/{number - 1}"
    return Page(
        status=302,
        body=document("Moved", f"The page is at {location}."),
        headers=(("Location", location), *asked.receipt),
    )


def web_object(asked: ServiceRequest) -> Page:
    """Answer with an image, a script or a video by the end of the path; else with status 404.

    It has the marks of a page of its host, with the agreed marker where the host has a category.
    """
    make = _OBJECTS.get(asked.request.path.partition("?")[0].rpartition(".")[2])
    if make is None:
        return Page(status=404, body=b"There is no such object.\n", content_type="text/plain")
    code = asked.content.code or asked.pages.names.code_of(asked.host)
    body, content_type = make(asked.host, asked.marks(code))
    return Page(status=200, body=body, headers=asked.receipt, content_type=content_type)


def app_interface(asked: ServiceRequest) -> Page:
    """Answer as the interface of a mobile app does: a JSON document, with a proof in it."""
    proof = protocol_proof(asked.pages.key, "app", asked.nonce) if asked.nonce else ""
    body = json.dumps({"messages": [], "cursor": proof}).encode()
    return Page(status=200, body=body, headers=asked.receipt, content_type="application/json")


def _image(host: str, marks: Marks) -> tuple[bytes, str]:
    return image_card(f"card of {host}", (marks.token, *marks.piece)), "image/png"


def _script(_: str, marks: Marks) -> tuple[bytes, str]:
    text = json.dumps(marked_piece(marks)).replace("</", "<\\/")
    return f"document.write({text});\n".encode(), "text/javascript; charset=utf-8"


def _video(_: str, marks: Marks) -> tuple[bytes, str]:
    """Return an MP4 file without any frame, its marks in a box (ISO/IEC 14496-12 section 4.2)."""
    text = " ".join((marks.token, *marks.piece)).encode()
    boxes = ((b"ftyp", b"isom\0\0\2\0isommp41"), (b"free", text), (b"mdat", bytes(2048)))
    return b"".join(_box(kind, data) for kind, data in boxes), "video/mp4"


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


_OBJECTS: dict[str, Callable[[str, Marks], tuple[bytes, str]]] = {
    "png": _image,
    "js": _script,
    "mp4": _video,
}
"""The objects by the end of their path."""


def redirector(asked: ServiceRequest) -> Page:
    """Redirect to the page of the host that the path names; to no host of others."""
    target = normalise(asked.request.path.removeprefix(REDIRECT_PATH))
    if not asked.pages.names.is_within(target):
        return _page(asked, "Links", "There is no such link.")
    page = _page(asked, "Moved", "The page is at another place.")
    location = ("Location", f"{asked.scheme}://{target}/")
    return Page(status=302, body=page.body, headers=(location, *page.headers))


def deep_page(asked: ServiceRequest) -> Page:
    """Show a page of users: with the agreed marker at one path alone (``deep_path``)."""
    home = asked.pages.names.original_host(asked.host)
    harmful = deep_path(asked.content.case, home, is_harmful=True)
    code = asked.content.code if asked.request.path == harmful else ""
    return _page(asked, "What people write", _text(asked), code)


def suspicious_page(asked: ServiceRequest) -> Page:
    """Show a harmless page whose text is in the place that its template names."""
    text, case = html.escape(_text(asked)), asked.content.case
    if case == "template:title":
        return _page(asked, _text(asked), "Please read on.")
    page = _page(asked, "Our page", "Please choose.")
    before = _TEMPLATES.get(case, "<p>{}</p>").format(text).encode()
    body = page.body.replace(b"<h1 ", before + b"\n<h1 ", 1)
    return Page(status=200, body=body, headers=page.headers)


_TEMPLATES = {
    "template:menu": '<ul><li><a href="/">Start</a></li><li><a href="/1">{}</a></li></ul>',
    "template:results": (
        '<p>About 3 results for "{0}"</p><ol><li><a href="/1">{0}</a></li>'
        "<li>Opening hours</li><li>How to find us</li></ol>"
    ),
    "template:form": (
        '<form action="/search"><label>Search <input name="q" value="{0}"></label>'
        "<select name=topic><option>{0}</option><option>Opening hours</option></select></form>"
    ),
}
"""Where pages show their text; those of another template show it in a paragraph."""


def _text(asked: ServiceRequest) -> str:
    return asked.pages.texts.get(asked.pages.names.original_host(asked.host), "Notices")


def _page(asked: ServiceRequest, title: str, text: str, code: str = "") -> Page:
    body = marked_page(title, text, asked.marks(code), "Open daily")
    return Page(status=200, body=body, headers=asked.receipt)
