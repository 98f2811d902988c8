"""Compare people's names, so that another spelling of a name does not make it somebody else's.

Case, blanks, punctuation, accents, invisible characters, compatibility forms, and Cyrillic,
Greek and Armenian letters that look like Latin ones do not tell two names apart. Initials and
the order of the words do (``A. Lee`` is not ``Ann Lee``), and look-alikes of rarer scripts.
Names that are alike count as one person, which can only refuse somebody, never let anybody
through.
"""

from __future__ import annotations

import unicodedata

LOOK_ALIKES = {
    # Cyrillic, Greek, Armenian, and Latin letters of their own, as case folding leaves them
    **dict(zip("авеікмнорстухѕјԁԛԝһӏѵ", "abeikmhopctyxsjdqwhlv", strict=True)),
    **dict(zip("αβεζηικμνορτυχγ", "abezhikmnoptyxy", strict=True)),
    **dict(zip("ոսհօıłøđɡɑ", "nuhoilodga", strict=True)),
}
"""Letters that look like a Latin one in either case (Unicode UTS #39, confusables)."""

INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u0640")
"""Letters without a shape of their own: Hangul fillers, and the Arabic tatweel."""


def identity_of(name: str) -> str:
    """What tells one name from another; empty if the name has no letter and no digit."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(LOOK_ALIKES.get(letter, letter) for letter in letters if _counts(letter))


def is_same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's; a name without letters is nobody's."""
    return bool(identity_of(one)) and identity_of(one) == identity_of(other)


def find_person(name: str, among: tuple[str, ...]) -> str | None:
    """The first of several names that may be the same person's."""
    return next((other for other in among if is_same_person(name, other)), None)


def _counts(letter: str) -> bool:
    if letter in INVISIBLE:
        return False
    kind = unicodedata.category(letter)[0]
    return kind in "LN" or (kind == "M" and not _is_accent(letter))


def _is_accent(letter: str) -> bool:
    """Accents of Latin, Greek and Cyrillic, and variation selectors; vowel signs are none."""
    return (
        "\u0300" <= letter <= "\u036f"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or "\u180b" <= letter <= "\u180f"
    )
