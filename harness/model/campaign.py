"""A campaign says what is measured: a service, over which lines, with which corpora and probes.

It comes from a YAML file that a person wrote, so it is validated (pydantic) on the way in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, model_validator

from harness.model.corpus import covers
from harness.model.declared import Declared
from harness.model.plain_twin import PlainTwins
from harness.model.sentinel import Sentinels

PHASES = ("ks1", "ks2", "ks3", "ks4", "post16", "staff")
"""School phases, youngest first: the columns of a policy."""

AGE_BANDS = (("ks1", "ks2"), ("ks3",), ("ks4", "post16"), ("staff",))
"""The age bands of METHOD POL-02."""

PUPILS_AND_STAFF = (PHASES[:-1], PHASES[-1:])

Phase = Literal["ks1", "ks2", "ks3", "ks4", "post16", "staff"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class BlockPage(Declared):
    """The supplier's block page as the submission declares it; one of the three will do.

    ``text`` is a sentence that stands on it, ``host`` where redirects and frames lead to: a name or
    an IP address, which may be private.
    """

    title: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(pattern=r"^(\S.{10,998}\S)?$")] = ""
    host: Annotated[str, Field(pattern=r"^([A-Za-z0-9._:-]{1,253})?$")] = ""

    @model_validator(mode="after")
    def _says_something(self) -> BlockPage:
        if not (self.title.strip() or self.text or self.host):
            msg = "a block page needs a title, a text or a host"
            raise ValueError(msg)
        return self


class Service(Declared):
    """The filtered internet service under test, who supplies it, and how it says no."""

    name: str
    supplier: str = ""
    version: str = ""
    block_page: BlockPage | None = None


class LineDeclaration(Declared):
    """One way through the service: a line plug-in, its options, and its options by profile."""

    name: Name
    type: str
    probes: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    by_profile: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def options_for(self, profile: str) -> dict[str, Any]:
        """The options of this line for one profile."""
        return {**self.options, **self.by_profile.get(profile, {})}


class ControlDeclaration(Declared):
    """The unfiltered line that every item is measured on as well."""

    type: str = "control"
    options: dict[str, Any] = Field(default_factory=dict)


class ProfileDeclaration(Declared):
    """An age group as the service knows it; ``phase`` selects the policy column."""

    phase: Phase | None = None


class CorpusSelection(Declared):
    """Which items of a pack are used: all, some categories, a seeded sample of each stratum.

    A category brings its sub-categories and its must-allow twins (stratum ``twin:CODE``).
    ``items`` names single items instead, as a re-test does.
    """

    pack: str
    categories: tuple[str, ...] = ()
    sample: Annotated[int, Field(ge=1)] | None = None
    items: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the whole pack is tried."""
        return not (self.categories or self.sample or self.items)


class Limits(Declared):
    """Seconds and numbers in flight; a timeout is looked at twice, the second time longer.

    An answer that has begun is read up to ``body_bytes`` (after decoding) and, at the second
    look, for ``reading_timeout`` seconds. ``retries``: how often an undecided item is tried again.
    ``per_line`` and ``per_site`` bound what one line, and one site over it, get at once.
    ``silence_timeout`` is the patience with which a sample of the silent items is tried again.
    """

    timeout: Annotated[float, Field(gt=0, le=300)] = 5.0
    confirmation_timeout: Annotated[float, Field(gt=0, le=600)] = 15.0
    silence_timeout: Annotated[float | None, Field(gt=0, le=2400)] = None
    concurrency: Annotated[int, Field(ge=1, le=5000)] = 50
    per_line: Annotated[int, Field(ge=1)] | None = None
    per_site: Annotated[int, Field(ge=1)] | None = 8
    batch: Annotated[int, Field(ge=1, le=10000)] = 100
    body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    reading_timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    retries: Annotated[int, Field(ge=0, le=3)] = 3
    redirects: Annotated[int, Field(ge=0, le=20)] = 5

    @property
    def longest_patience(self) -> float:
        """``silence_timeout``, or four times the patience of the second look (a minute)."""
        return self.silence_timeout or 4 * self.confirmation_timeout

    @property
    def visit_patience(self) -> float:
        """Twice the longest patience: a visit by the second client makes many requests."""
        return 2 * self.longest_patience


class StoppingPlan(Declared):
    """When the categories of a plan are tried no further: Wald's test of two block rates.

    At ``bad`` the service shall pass with probability ``alpha`` at most, at ``good`` it shall
    fail with ``beta`` at most.
    """

    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    bad: Annotated[float, Field(gt=0, lt=1)]
    good: Annotated[float, Field(gt=0, lt=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    beta: Annotated[float, Field(gt=0, lt=0.5)] = 0.05

    @model_validator(mode="after")
    def _has_room(self) -> StoppingPlan:
        if self.bad >= self.good:
            msg = f"good ({self.good:g}) must be above bad ({self.bad:g})"
            raise ValueError(msg)
        return self


class Stopping(Declared):
    """How a campaign may end before every item was tried; declared before the first packet."""

    rule: Literal["sprt"] = "sprt"
    plans: Annotated[tuple[StoppingPlan, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_category_once(self) -> Stopping:
        named = [code for plan in self.plans for code in plan.categories]
        for place, code in enumerate(named):
            for other in named[place + 1 :]:
                if covers(code, other) or covers(other, code):
                    msg = f"{code} and {other} overlap: a category may be in one plan, and once"
                    raise ValueError(msg)
        return self


class Campaign(Declared):
    """The whole declaration. ``origin`` is the file that describes the canary origin.

    ``items`` says what rates of categories rest on: hidden ``real`` items, or the ``agreed`` list
    alone, which shows no more than that a list is enforced.
    ``crossover``: in even rounds line and control leave by each other's connection.
    """

    campaign: Name
    title: str = ""
    service: Service
    scheme: str = "becta-2008"
    origin: str | None = None
    control: ControlDeclaration = ControlDeclaration()
    lines: Annotated[tuple[LineDeclaration, ...], Field(min_length=1)]
    profiles: Annotated[dict[str, ProfileDeclaration], Field(min_length=1)]
    corpora: Annotated[tuple[CorpusSelection, ...], Field(min_length=1)]
    items: Literal["agreed", "real"] = "real"
    probes: Annotated[tuple[str, ...], Field(min_length=1)] = ("web",)
    rounds: Annotated[int, Field(ge=1, le=100)] = 1
    crossover: bool = False
    seed: str = "accredit"
    sentinels: Sentinels = Sentinels()
    limits: Limits = Limits()
    plain_twins: PlainTwins = PlainTwins()
    stopping: Stopping | None = None

    def phase_of(self, profile: str) -> str:
        """The policy column of a profile: declared, or the profile's own name if it is one."""
        declared = self.profiles[profile].phase
        return declared or (profile if profile in PHASES else "ks2")

    def probes_on(self, line: LineDeclaration) -> tuple[str, ...]:
        """The probes that run over a line: its own list, or the campaign's."""
        return line.probes or self.probes


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Where one plan of a campaign's ``stopping`` came to rest for one profile.

    ``plan`` counts from 1. ``after`` is, by line, how many items its test had counted when it was
    decided; ``settled`` is the last batch that the decision rests on. Batches from ``batch`` on
    were planned without ``untried`` items of the plan's ``categories``, which saved ``attempts``.
    A stop holds no verdict: what the items show is concluded from their observations.
    """

    plan: int
    categories: tuple[str, ...]
    profile: str
    after: dict[str, int]
    settled: int
    batch: int
    untried: int
    attempts: int
