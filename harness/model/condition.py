"""A condition that a requirement has beside its metric."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that a requirement asks for beside its metric: seen to hold, or not to hold.

    ``held`` is ``None`` if it was not seen. ``detail`` says what was seen, or why nothing was.
    """

    name: str
    held: bool | None
    detail: str = ""

    @property
    def words(self) -> str:
        """The condition and what was seen, for people."""
        answer = {True: "yes", False: "no", None: "not seen"}[self.held]
        return f"{self.name}: {answer}" + (f" ({self.detail})" if self.detail else "")
