"""The bound up to which a text says nothing."""

from __future__ import annotations

from harness.judge.block_page_check import is_wordless
from harness.model.sketch import BARE
from test_suites.kit.campaigns.trials import web


def test_a_page_is_bare_up_to_that_many_characters() -> None:
    assert is_wordless(web(text="x" * BARE))
    assert not is_wordless(web(text="x" * (BARE + 1)))
