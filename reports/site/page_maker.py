"""The templates of the site's pages, and the words and signs that all of them share."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.model.decision import STOPPED, Status
from reports import words
from reports.next_steps import day
from reports.phrases import FOR_INFORMATION, WORDS
from reports.site.trend_chart import ROW, sign_of
from reports.site.trend_facts import state_of

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent

STATE_WORDS = {
    **{conformity.value: word for conformity, word in WORDS.items()},
    "information": FOR_INFORMATION,
    "no-data": "No data",
}
STATE_MEANINGS = {
    "conforms": "The evidence shows that the requirement is met.",
    "does-not-conform": "The evidence shows that it is not met. An action plan follows.",
    "insufficient": "There is too little evidence. It is not a pass.",
    "no-data": "Nothing was measured. It is not a pass.",
}
STATUS_STATES = {
    Status.ACCREDITED: "conforms",
    Status.WITH_ACTION_PLAN: "conforms",
    Status.NOT_YET: "no-data",
    **dict.fromkeys(STOPPED, "stopped"),
    Status.EXPIRED: "no-data",
}
FEATURE_WORDS = {
    "tested": "Tested",
    "tested-agreed": "Tested, agreed list only",
    "fails": "Tested, fails",
    "not-decided": "Not decided",
    "not-tested": "Not tested",
}
FEATURE_STATES = {
    "tested": "conforms",
    "tested-agreed": "conforms",
    "fails": "does-not-conform",
    "not-decided": "insufficient",
    "not-tested": "no-data",
}


class Site(NamedTuple):
    """What all pages of one folder share; ``navigation`` is the name and file of each main page.

    ``has_all``: the pages tell of several suppliers.
    """

    name: str
    navigation: tuple[tuple[str, str], ...]
    is_private: bool = False
    for_whom: str = ""
    has_all: bool = False


class PageMaker:
    """Makes the pages of one folder, for figures as of a time."""

    def __init__(self, site: Site, as_of: datetime) -> None:
        self._shared = {"site": site, "as_of": as_of}

    def page(self, template: str, here: str, title: str, **contents: Any) -> bytes:
        """A page for the file ``here``, relative to the folder, in UTF-8."""
        root = "../" * here.count("/")
        page = _environment().get_template(template)
        return page.render(here=here, root=root, title=title, **self._shared, **contents).encode()


@cache
def _environment() -> Environment:
    """The templates, read once, with the words and signs that all pages share."""
    from reports.page_templates import page_environment  # noqa: PLC0415 - Jinja is read on demand

    environment = page_environment(HERE)
    environment.globals.update(page_globals())
    return environment


def page_globals() -> dict[str, Any]:
    """The words and signs by which the site and the hub tell of states and statuses."""
    return {
        "day": day,
        "row": ROW,
        "sign_of": sign_of,
        "state_of": state_of,
        "state_words": STATE_WORDS,
        "state_meanings": STATE_MEANINGS,
        "status_words": {str(key): word for key, word in words.STATUSES.items()},
        "status_states": {str(key): state for key, state in STATUS_STATES.items()},
        "feature_words": FEATURE_WORDS,
        "feature_states": FEATURE_STATES,
        "areas": words.AREAS,
        "schemes": words.SCHEMES,
    }


def number_word(count: int) -> str:
    """A small number as a word: "three"; larger ones in digits."""
    small = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return small[count] if count < len(small) else f"{count:,}"


def counted(count: int, one: str, several: str) -> str:
    """A number with its noun: "one service", "three services"."""
    return f"{number_word(count)} {one if count == 1 else several}"
