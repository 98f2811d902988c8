"""A journal as it was judged: its verdicts from where they were kept, or given anew.

Judging costs far more than counting, and another scheme changes no verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, nullcontext

from harness.model.observation import Observation
from harness.ports.judging import MakeJudge
from harness.ports.storage import Journal
from harness.verdicts.outcome_counts import Basis, FoldedVerdicts
from harness.verdicts.verdict_folder import VerdictFolder, digest_of_makers, passing_verdicts


@contextmanager
def judged(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None = None,
    folder: VerdictFolder | None = None,
) -> Iterator[FoldedVerdicts]:
    """The folded verdicts of all items (or ``only`` of some), one batch in memory at a time.

    ``folder`` is where they are kept; without one they go when they have been used.
    """
    chosen = "all" if only is None else "\n".join(sorted(only))
    made_of = digest_of_makers(journal.fingerprint(), chosen)
    with (
        nullcontext(folder) if folder else passing_verdicts() as kept,
        closing(kept.recall(made_of) or _judge(journal, make_judge, only, kept, made_of)) as folded,
    ):
        yield folded


def _judge(
    journal: Journal,
    make_judge: MakeJudge,
    only: Collection[str] | None,
    folder: VerdictFolder,
    made_of: str,
) -> FoldedVerdicts:
    judge, read = make_judge(), 0

    def observations() -> Iterator[Observation]:
        nonlocal read
        for one in journal.observations():
            if only is None or one.role != "item" or one.item.id in only:
                read += 1
                yield one

    def basis() -> Basis:
        return Basis(
            observations=read,
            rules_version=judge.rules_version,
            preconditions=judge.preconditions,
            twins=judge.twins,
        )

    return folder.keep(made_of, judge.verdicts(observations()), basis)
