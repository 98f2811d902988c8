"""How often a pack was used: a sample that suppliers have met too often is burnt.

The ledger is what is there anyway: the headers of the journals under ``--out``. Each campaign
that measured the same bytes counts once, whatever came of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.model.corpus import CorpusReference


def uses_of(reference: CorpusReference, out: Path) -> tuple[str, ...]:
    """The campaigns under ``out`` that used this pack, in order of their names."""
    from harness.store.journal.header import HEADER, read_header  # noqa: PLC0415 - keep the start light

    name = f"{reference.name} {reference.version} {reference.sha256}"
    return tuple(
        path.parent.parent.name
        for path in sorted(out.glob(f"*/journal/{HEADER}"))
        if name in msgspec.json.decode(read_header(path.parent)).get("corpora", ())
    )


def refuse_burnt(references: Iterable[CorpusReference], campaign: str, out: Path) -> None:
    """Raises UsageError for a pack whose use limit other campaigns under ``out`` have reached."""
    for reference in references:
        if reference.use_limit is None:
            continue
        others = [name for name in uses_of(reference, out) if name != campaign]
        if len(others) >= reference.use_limit:
            msg = (
                f"pack {reference.name} {reference.version} is burnt: its use limit is "
                f"{reference.use_limit}, and it was used by {', '.join(others)}; draw a fresh "
                "sample, with a seed that nobody knows"
            )
            raise UsageError(msg)
