"""What a person declared is strict, immutable and complete."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.declared import Declared


class Thing(Declared):
    number: int = 1


@pytest.mark.parametrize("written", [{"number": "1"}, {"number": 1, "colour": "red"}])
def test_another_type_and_an_unknown_key_are_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Thing.model_validate(written)


def test_it_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Thing().number = 2
