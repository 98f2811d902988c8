"""Which services of the register fit what a school needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.model.stream import same_name
from reports.site.page_maker import number_word
from reports.site.public_facts import Feature, PublicService
from reports.words import AREAS, capitalised

SHOWN: frozenset[Feature] = frozenset({"tested", "tested-agreed"})
"""What must have been found of a subject that a school needs."""

WHY_NOT: dict[Feature, str] = {
    "fails": "tested, fails",
    "not-decided": "not decided",
    "not-tested": "not tested",
}
MOST_LETTERS = 100
"""How much of a search text counts."""


class Wanted(NamedTuple):
    """What is asked for: letters of a name, a scheme, and subjects that must have been tested."""

    text: str = ""
    scheme: str = ""
    needs: tuple[str, ...] = ()


class Fitting(NamedTuple):
    """The services that fit, and others with what is missing."""

    fit: tuple[PublicService, ...]
    others: tuple[tuple[PublicService, str], ...]

    @property
    def heading(self) -> str:
        """How many fit: "Two of three fit"."""
        count, total = len(self.fit), len(self.fit) + len(self.others)
        if total == 1:
            return "It fits" if count else "It does not fit"
        if not count:
            return f"None of {number_word(total)} fits"
        verb = "fits" if count == 1 else "fit"
        return f"{capitalised(number_word(count))} of {number_word(total)} {verb}"


def wanted_of(text: str, scheme: str, needs: Iterable[str]) -> Wanted:
    """What is asked for; subjects that no catalogue has are left out."""
    known = tuple(dict.fromkeys(each for each in needs if each in AREAS))
    return Wanted(same_name(text[:MOST_LETTERS]), scheme, known)


def subjects_of(services: Iterable[PublicService]) -> list[tuple[str, str]]:
    """The subjects that were tested of at least one service, by name: code and name."""
    codes = {code for each in services for code in each.features}
    return sorted(((code, AREAS.get(code, code)) for code in codes), key=lambda each: each[1])


def schemes_of(services: Iterable[PublicService]) -> list[tuple[str, str]]:
    """The schemes of services, by name: id and name."""
    return sorted({(each.scheme, each.scheme_name) for each in services}, key=lambda one: one[1])


def matching(services: Iterable[PublicService], wanted: Wanted) -> tuple[PublicService, ...]:
    """The services of the scheme and with the letters that are asked for."""
    return tuple(
        each
        for each in services
        if wanted.scheme in ("", each.scheme)
        and any(wanted.text in same_name(name) for name in _names(each))
    )


def _names(service: PublicService) -> tuple[str, ...]:
    return service.name, service.supplier, *service.white_labels


def fitting(services: Sequence[PublicService], wanted: Wanted) -> Fitting:
    """Divide services into those that fit and others. Only what is accredited today fits."""
    said = [(service, _why_not(service, wanted)) for service in services]
    return Fitting(
        tuple(service for service, why in said if not why),
        tuple((service, why) for service, why in said if why),
    )


def _why_not(service: PublicService, wanted: Wanted) -> str:
    """Why a service does not fit, in a few words; empty if it does."""
    if not service.is_accredited:
        return "not accredited today"
    missing = (
        f"{AREAS[code]}: {WHY_NOT[found]}"
        for code in wanted.needs
        if (found := service.features.get(code, "not-tested")) not in SHOWN
    )
    return "; ".join(missing)
