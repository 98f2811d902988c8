"""An appeal is kept as it was decided."""

import msgspec

from harness.model.corpus import Appeal


def test_an_appeal_survives_being_kept() -> None:
    appeal = Appeal(
        pack="canary",
        item="gamb-001",
        before=("GAMB",),
        labels=("ALW.ARTS", "ALW.HIST"),
        reason="a museum of playing cards",
        appellant="supplier",
        upheld=True,
    )

    assert msgspec.json.decode(msgspec.json.encode(appeal), type=Appeal) == appeal
