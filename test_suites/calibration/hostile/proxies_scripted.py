"""Proxies whose page holds the content in a form that only a browser shows."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
import urllib.parse
import zlib

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import Call

NEEDS_A_BROWSER = "Only a browser shows the page; no word of it can be read without one."


def script(code: str) -> str:
    """A page that is nothing but a script."""
    return f"<!DOCTYPE html><html><head><script>{code}</script></head><body></body></html>"


@page("Puts the page in base64 into a script that writes it.")
def base64_script(answer: Answer, _: Call) -> Answer:
    return answer.html(script(f'document.write(atob("{base64.b64encode(answer.body).decode()}"))'))


@page("Puts the page percent-encoded into a script that writes it.")
def percent_script(answer: Answer, _: Call) -> Answer:
    encoded = "".join(f"%{each:02x}" for each in answer.body)
    return answer.html(script(f'document.write(unescape("{encoded}"))'))


@page("Puts the page in hexadecimal escapes into a script that writes it.")
def hexadecimal_script(answer: Answer, _: Call) -> Answer:
    encoded = "".join(f"\\x{each:02x}" for each in answer.body)
    return answer.html(script(f'document.write("{encoded}")'))


@page("Puts the page backwards into a script that reverses it.", only=NEEDS_A_BROWSER)
def backwards_script(answer: Answer, _: Call) -> Answer:
    backwards = json.dumps(answer.text[::-1]).replace("<", "\\u003c")
    return answer.html(script(f'document.write({backwards}.split("").reverse().join(""))'))


@page("Writes the text backwards, and reverses it by a style.", only=NEEDS_A_BROWSER)
def backwards_by_style(answer: Answer, _: Call) -> Answer:
    words = " ".join(
        re.sub(r"(?s)<!--.*?-->|<script.*?</script>|<[^>]*>", " ", answer.text).split()
    )
    style = "unicode-bidi:bidi-override;direction:rtl"
    return answer.html(f'<html><body><p style="{style}">{words[::-1]}</p></body></html>')


@page(
    "Shows the page as one picture.",
    only="A picture came, and its text cannot be read without character recognition.",
)
def picture(answer: Answer, _: Call) -> Answer:
    shown = base64.b64encode(png(answer.body)).decode()
    return answer.html(f'<html><body><img src="data:image/png;base64,{shown}"></body></html>')


@page("Writes the page by a script that contains its text unchanged.")
def plain_script(answer: Answer, _: Call) -> Answer:
    held = json.dumps(answer.text).replace("</", "<\\/")
    return answer.html(script(f"document.write({held})"))


@page("Shows the page in a frame whose document is in an attribute (srcdoc).")
def srcdoc(answer: Answer, _: Call) -> Answer:
    held = html.escape(answer.text)
    return answer.html(f'<html><body><iframe srcdoc="{held}"></iframe></body></html>')


@page("Shows the page in a frame whose document is in a percent-encoded data URL.")
def data_url_frame(answer: Answer, _: Call) -> Answer:
    held = urllib.parse.quote(answer.text)
    return answer.html(f'<html><body><iframe src="data:text/html,{held}"></iframe></body></html>')


@page("Shows the page in a frame whose document is in a base64 data URL.")
def base64_data_url_frame(answer: Answer, _: Call) -> Answer:
    held = base64.b64encode(answer.body).decode()
    frame = f'<iframe src="data:text/html;base64,{held}"></iframe>'
    return answer.html(f"<html><body>{frame}</body></html>")


def png(data: bytes) -> bytes:
    """A grey picture, 64 pixels wide, whose bits are those of ``data``."""
    rows = b"".join(b"\0" + data[at : at + 8].ljust(8, b"\0") for at in range(0, len(data), 8))
    height = len(rows) // 9
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 64, height, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
