"""Read the raw mails of a corpus: an mbox file, a Maildir, or a folder of ``.eml`` files.

A file of any size is read in little memory. Of a mail that is too large only a beginning is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.untrusted.regular_file import open_regular
from probes.mail.mbox import FROM_LINE, LINE_BYTES, mbox_mails
from probes.mail.raw_mail import MOST_BYTES


def raw_mails(path: Path) -> Iterator[bytes]:
    """Yield the mails of a corpus, each as it is stored.

    The mails of folders come in the order of their names, of a Maildir first those in ``cur``.
    Raises OSError for what cannot be read.
    """
    if path.is_dir():
        for file in _files(path):
            with open_regular(file) as stream:
                yield stream.read(MOST_BYTES + 1)
        return
    with open_regular(path) as stream:
        if FROM_LINE.match(stream.peek(LINE_BYTES)):
            yield from (mail.content for mail in mbox_mails(stream))
        elif mail := stream.read(MOST_BYTES + 1):
            yield mail


def _files(folder: Path) -> Iterator[Path]:
    parts = [folder / name for name in ("cur", "new") if (folder / name).is_dir()]
    for part in parts:
        yield from sorted(file for file in part.iterdir() if not file.name.startswith("."))
    if not parts:
        yield from sorted(file for file in folder.iterdir() if file.suffix.lower() == ".eml")
