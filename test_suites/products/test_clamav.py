"""ClamAV with signatures of our own finds the test string, and nothing else; no file holds it."""

from __future__ import annotations

import io
import socket
import zipfile
from pathlib import Path

import pytest

from probes.net.file_contents import AGREED_FILE, eicar, holds_test_string
from test_suites.products.clamav import FOUND, Clamd


def scanned(at: Path, content: bytes) -> str:
    """What clamd says of some bytes, which are sent to it."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(at))
        stream.sendall(b"nINSTREAM\n" + len(content).to_bytes(4, "big") + content + bytes(4))
        return stream.recv(1000).decode().removeprefix("stream: ").strip()


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("letter.com", content)
    return file.getvalue()


@pytest.mark.product("clamd")
def test_it_finds_the_test_string_in_archives_too_and_nothing_else() -> None:
    part, _, agreed = FOUND
    with Clamd() as clamd:
        for content in (eicar(), b"before " + eicar(), zipped(zipped(eicar()))):
            assert scanned(clamd.socket, content) == f"{part}.UNOFFICIAL FOUND"
        assert scanned(clamd.socket, AGREED_FILE) == f"{agreed}.UNOFFICIAL FOUND"
        for content in (b"minutes of the garden club", zipped(b"minutes"), eicar()[:40]):
            assert scanned(clamd.socket, content) == "OK"
        kept = [path.read_bytes() for path in clamd.folder.path.rglob("*") if path.is_file()]

    assert kept
    assert not any(map(holds_test_string, kept))
