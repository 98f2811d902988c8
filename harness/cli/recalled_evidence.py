"""Whether a campaign was measured or judged with something that a recall proved wrong.

A recall is remembered: nothing that was measured with the wrong probe, item or pack, or judged by
the wrong rules or scheme, decides, until it is put right by another version.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from harness.cli.decision_bars import JudgedCampaign
from harness.follow.recall import Measured, why_wrong
from harness.model.recall_event import RecallMade, Wrong
from harness.model.stream import OWNER
from harness.ports.storage import Journal


def why_recalled(campaign: JudgedCampaign) -> Iterator[str]:
    """Yield a sentence for each recall that a campaign rests on. Raises HarnessError."""
    with campaign.session.registry.reading(OWNER) as access:
        found = [event for _, event in access.found(kind=["recall-made"])]
    recalls = [event for event in found if isinstance(event, RecallMade)]
    if not recalls:
        return
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    assessment = campaign.assessment
    with closing(open_journal(campaign.paths.journal)) as journal:
        for recall in recalls:
            measured = Measured(
                scheme=assessment.scheme,
                scheme_version=assessment.scheme_version,
                rules=assessment.rules_version,
                software=journal.header.instrument,
                corpora=journal.header.corpora,
            )
            if rests_on(journal, recall.wrong) and (why := why_wrong(recall.wrong, measured)):
                yield f"{why} ({recall.because}; recalled on {recall.at:%Y-%m-%d}): measure again"


def rests_on(journal: Journal, wrong: Wrong) -> bool:
    """Whether a campaign tried one of the items, probes or packs; true if none is named."""
    if not wrong.is_named:
        return True
    packs = {each.partition(" ")[0] for each in journal.header.corpora}
    if packs & set(wrong.packs):
        return True
    return any(
        one.item.id in wrong.items or one.key.probe in wrong.probes
        for one in journal.observations()
    )
