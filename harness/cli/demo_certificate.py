"""The end of ``accredit demo --all``: the certificate of the monitored service, and its check."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import msgspec
from rich.console import Console

from harness.cli.certificate import issue_certificate, status_list_of
from harness.cli.certificate_check import check_file, lines_of_check
from harness.cli.demo_monitoring import BOARD, SERVICE, SUPPLIER, board_key
from harness.cli.identity import public_path
from harness.cli.registry_session import open_session, place_of_any
from harness.model.certificate import STATUS_LIST_TYPE, Body
from harness.ports.storage import WallClock
from harness.signing import signed_document
from harness.store.atomic_write import write_document

BODY = Body(name=BOARD, address="1 High Street, Leeds")
ISSUER = "the registrar of the board"
GOOD_FOR = timedelta(days=7)


def certify(home: Path, decision: str, console: Console) -> Path:
    """Issue the certificate of a decision on the monitored service, check it, return its file."""
    clock, folder = WallClock(), home / "certificate"
    folder.mkdir()
    private = board_key(home)
    with open_session(home / "registry.sqlite", clock=clock) as session:
        place = place_of_any(SUPPLIER, SERVICE)
        _, files = issue_certificate(
            session, place, decision, private,
            body=lambda: BODY, actor=ISSUER, pdf=find_spec("typst") is not None,
        )  # fmt: skip
        listed = status_list_of(session, clock.now(), GOOD_FOR)
    for name, content in files.items():
        write_document(folder / name, content)
    signed = signed_document("status_list", STATUS_LIST_TYPE, msgspec.to_builtins(listed), private)
    write_document(folder / "status-list.json", signed)
    last = folder / max(files)
    checked = check_file(last, public_path(private), folder / "status-list.json", clock.now())
    for line in lines_of_check(checked, clock.now()):
        console.print(f"   {line}", markup=False)
    return last
