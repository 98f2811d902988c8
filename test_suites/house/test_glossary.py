"""The glossary explains each noun of the model."""

from __future__ import annotations

import re

from test_suites.kit.rooms import ROOT, modules

GLOSSARY = ROOT / "docs/reference/glossary.md"


def test_each_model_noun_is_in_the_glossary() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    explained = {term.lower() for term in re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)}
    nouns = {
        path.stem.replace("_", " ")
        for path in modules("harness/model")
        if path.parent.name == "model" and path.name != "__init__.py"
    }

    assert set() == nouns - explained
