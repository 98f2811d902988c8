"""``accredit init``: take the answers for a campaign file from options, or ask for them.

It asks only on a terminal, and only where no answer was given as an option. Otherwise it uses
defaults and marks what has to be edited, so that it never waits for input that cannot come.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from harness.campaign.origin_file import read_origin
from harness.cli.campaign_file import (
    LONGEST,
    PLACES,
    Answers,
    LineAnswer,
    already_there,
    check_line,
    check_name,
    check_profile,
    check_scheme,
    check_text,
    connection,
    write_campaign_file,
    zone_of,
)
from harness.cli.printing import is_terminal, say
from harness.cli.submission_file import init_submission, with_submission
from harness.errors import UsageError, known
from harness.model.campaign import PHASES
from harness.schemes.check import aliases
from harness.schemes.load import shipped

SERVICE, SUPPLIER = "Example SchoolSafe", "Example Networks Ltd"
SCHEME, CAMPAIGN, PROFILE = "becta-2008", "first-campaign", "pupils=ks2"
PROXY = "http://127.0.0.1:3128"
ORIGIN = "origin.json"
WAYS = ("proxy", "transparent", "resolver", "pac")
KINDS = (
    "an explicit proxy",
    "a transparent filter on the network",
    "a filtering name server (resolver)",
    "a PAC file",
)
SUBMISSION = Path("submission")
"""The word that asks for a submission instead of a campaign file."""

LINE_NAME = re.compile(rf"({'|'.join(WAYS)})(-[0-9]+)?")
LONGEST_WORDS = 100

Value = TypeVar("Value")
Given = list[str] | None


@dataclass(slots=True, kw_only=True)
class Replies:
    """The answers as texts: of options, or of questions. Empty where nothing was said."""

    service: str = ""
    supplier: str = ""
    proxy: list[str] = field(default_factory=list)
    transparent: list[str] = field(default_factory=list)
    resolver: list[str] = field(default_factory=list)
    pac: list[str] = field(default_factory=list)
    site_resolver: str = ""
    control: str = ""
    control_resolver: str = ""
    profile: list[str] = field(default_factory=list)
    scheme: str = ""
    origin: str = ""
    site: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    device: list[str] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    name: str = ""

    @property
    def are_none(self) -> bool:
        """Whether nothing was said."""
        return not any(getattr(self, each.name) for each in fields(self))


_WHERE = "for all lines, or LINE=TEXT for one"


def init_command(
    directory: Annotated[Path, typer.Argument(help="Where to write campaign.yaml.")] = Path(),
    *,
    service: Annotated[str, typer.Option(help="The name of the service under test.")] = "",
    supplier: Annotated[str, typer.Option(help="Who supplies it.")] = "",
    proxy: Annotated[Given, typer.Option(help="An explicit proxy: http://HOST:PORT.")] = None,
    transparent: Annotated[
        Given,
        typer.Option(
            help="A transparent line: the device (or address, or netns:NAME) that is filtered."
        ),
    ] = None,
    resolver: Annotated[
        Given, typer.Option(help="A filtering name server: HOST:PORT or a URL.")
    ] = None,
    pac: Annotated[Given, typer.Option(help="A PAC file: its URL or path.")] = None,
    site_resolver: Annotated[
        str, typer.Option(help="The site's name server, for transparent and PAC lines.")
    ] = "",
    control: Annotated[
        str, typer.Option(help="The connection past the service: as for --transparent.")
    ] = "",
    control_resolver: Annotated[str, typer.Option(help="An unfiltered name server.")] = "",
    profile: Annotated[Given, typer.Option(help="NAME=PHASE; repeatable.")] = None,
    scheme: Annotated[str, typer.Option(help="See: accredit scheme list.")] = "",
    origin: Annotated[str, typer.Option(help="The origin file.")] = "",
    site: Annotated[Given, typer.Option(help=f"The site, {_WHERE}.")] = None,
    place: Annotated[Given, typer.Option(help=f"A part of the site, {_WHERE}.")] = None,
    device: Annotated[Given, typer.Option(help=f"The kind of device, {_WHERE}.")] = None,
    group: Annotated[Given, typer.Option(help=f"The group of users, {_WHERE}.")] = None,
    name: Annotated[str, typer.Option(help="The name of the campaign.")] = "",
    submission: Annotated[
        Path | None, typer.Option(help="The supplier's submission, for all that it declares.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; use the defaults.")] = False,
) -> None:
    """Write a commented campaign file: asks, or takes options. An existing one stays as it is.

    'accredit init submission' writes a submission for a supplier to fill in instead.
    """
    replies = Replies(
        service=service, supplier=supplier, proxy=proxy or [], transparent=transparent or [],
        resolver=resolver or [], pac=pac or [], site_resolver=site_resolver, control=control,
        control_resolver=control_resolver, profile=profile or [], scheme=scheme, origin=origin,
        site=site or [], place=place or [], device=device or [], group=group or [], name=name,
    )  # fmt: skip
    if directory == SUBMISSION:
        init_submission(replies, ["submission"] * bool(submission) + ["yes"] * yes)
    else:
        _init_campaign(directory, replies, submission, may_ask=not yes)


def _init_campaign(
    directory: Path, replies: Replies, submission: Path | None, *, may_ask: bool
) -> None:
    path = directory / "campaign.yaml"
    if path.exists() or path.is_symlink():
        raise already_there(path)
    submitted = with_submission(replies, submission) if submission else None
    if replies.are_none and may_ask and is_terminal():
        replies = ask_all(directory, Questions(sys.stdin.readline))
    answers = replace(answers_from(replies, directory), submitted=submitted)
    write_campaign_file(answers, path)
    marked = len(answers.to_edit)
    edits = f"edit what is marked EDIT ({marked}), then " if marked else ""
    say(f"wrote {path}; next: {edits}accredit doctor {path}")


def answers_from(replies: Replies, directory: Path) -> Answers:
    """Check the replies and complete them by defaults. Raises UsageError."""
    lines = tuple(_lines(replies))
    to_edit = set[str]()
    if not lines:
        lines = (_line("proxy", 1, PROXY, replies),)
        to_edit.add("line")
    if not replies.service:
        to_edit.add("service")
    if replies.site_resolver and not (replies.transparent or replies.pac):
        msg = "--site-resolver is for lines of --transparent and --pac; give one of these"
        raise UsageError(msg)
    control = _control(replies)
    if control is None and any(line.type == "interface" for line in lines):
        to_edit.add("control")
    origin = Path(replies.origin) if replies.origin else directory / ORIGIN
    if replies.origin:
        read_origin(origin)
    elif not origin.exists():
        to_edit.add("origin")
    zone_of(origin)
    scheme = replies.scheme or SCHEME
    return Answers(
        name=check_name(replies.name or CAMPAIGN, "campaign"),
        service=check_text(replies.service or SERVICE, "service"),
        supplier=check_text(replies.supplier or ("" if replies.service else SUPPLIER), "supplier"),
        lines=_with_places(lines, replies),
        control=control,
        profiles=_profiles(replies.profile or [PROFILE]),
        scheme=scheme,
        loaded=check_scheme(scheme),
        origin=origin,
        to_edit=frozenset(to_edit),
    )


def _lines(replies: Replies) -> Iterator[LineAnswer]:
    """The lines in the order of WAYS, each named after its kind."""
    for way in WAYS:
        for number, value in enumerate(getattr(replies, way), 1):
            yield _line(way, number, value, replies)


def _line(way: str, number: int, value: str, replies: Replies) -> LineAnswer:
    name = way if number == 1 else f"{way}-{number}"
    asked = {"resolver": replies.site_resolver} if replies.site_resolver else {}
    if way == "proxy":
        kind, options = "explicit_proxy", {"proxy": value}
    elif way == "transparent":
        kind, options = "interface", connection(value) | asked
    elif way == "resolver":
        kind, options = "resolver", {"server": value}
    else:
        kind, options = "pac", {"file": value} | asked
    return check_line(LineAnswer(name=name, type=kind, options=options))


def _control(replies: Replies) -> LineAnswer | None:
    """The control as it was given; None if nothing was said of it."""
    options = connection(replies.control) if replies.control else {}
    if replies.control_resolver:
        options |= {"resolver": replies.control_resolver}
    if not options:
        return None
    kind = "interface" if replies.control else "control"
    return check_line(LineAnswer(name="control", type=kind, options=options))


def _with_places(lines: tuple[LineAnswer, ...], replies: Replies) -> tuple[LineAnswer, ...]:
    """The lines with the words for each; a text may be for one line alone (LINE=TEXT)."""
    names = {line.name for line in lines}
    places: dict[str, dict[str, str]] = {name: {} for name in names}
    for key in PLACES:
        for text in getattr(replies, key):
            name, separator, words = text.partition("=")
            is_for_one = bool(separator) and name in names
            if separator and not is_for_one and LINE_NAME.fullmatch(name):
                msg = f"{key} {text!r}: there is no line {name!r}; {known(names)}"
                raise UsageError(msg)
            words = words if is_for_one else text
            check_text(words, key, LONGEST_WORDS)
            for wanted in [name] if is_for_one else names:
                places[wanted][key] = words
    return tuple(
        LineAnswer(name=one.name, type=one.type, options=one.options, places=places[one.name])
        for one in lines
    )


def _profiles(texts: Iterable[str]) -> dict[str, str]:
    profiles: dict[str, str] = {}
    for text in texts:
        name, phase = check_profile(text)
        if name in profiles:
            msg = f"profile {name!r} is given twice; each needs a name of its own"
            raise UsageError(msg)
        profiles[name] = phase
    return profiles


class Questions:
    """Ask on the terminal, one question at a time, again until the answer can be used."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    def ask(self, question: str, default: str, check: Callable[[str], Value] | None = None) -> str:
        """Return an answer that ``check`` accepts (it raises UsageError), or the default.

        Raises UsageError at the end of input.
        """
        while True:
            say(f"{question} [{default}]" if default else question)
            try:
                line = self._read()
            except UnicodeDecodeError:
                say("That is not readable as text.")
                continue
            if not line:
                msg = "stopped: the question was not answered; nothing was written"
                raise UsageError(msg)
            answer = line.strip() or default
            try:
                if check is not None:
                    check(answer)
            except UsageError as error:
                say(*str(error).splitlines())
                continue
            return answer


def ask_all(directory: Path, questions: Questions) -> Replies:
    """Ask for everything that a campaign needs."""
    say("Press Enter to take the answer in brackets.")
    ask, replies = questions.ask, Replies()
    replies.service = ask("What is the name of the service?", SERVICE, _text("service"))
    replies.supplier = ask("Who supplies it?", "", _text("supplier"))
    say("How do pupils' devices use it?")
    for number, words in enumerate(KINDS, 1):
        say(f"  {number} {words}")
    ways = ask("Numbers, several separated by spaces:", "1", _ways)
    for way in _ways(ways):
        _ask_line(way, replies, ask)
    for line in list(_lines(replies)):
        for key, words in QUESTIONS_ON_PLACES.items():
            answer = ask(f"Line {line.name}: {words}", "", _text(key, LONGEST_WORDS))
            if answer:
                getattr(replies, key).append(f"{line.name}={answer}")
    say("Which groups of users does the service distinguish?")
    say(f"Each has a school phase: {', '.join(PHASES)}")
    groups = ask(
        "NAME=PHASE, several separated by spaces:",
        PROFILE,
        lambda text: _profiles(text.split()),
    )
    replies.profile = groups.split()
    say(f"Schemes: {', '.join((*shipped(), *aliases()))}")
    replies.scheme = ask("Which scheme?", SCHEME, check_scheme)
    origin = _known_origin(directory)
    words = "Origin file:" if origin else "Origin file (empty: later):"
    replies.origin = ask(words, origin, _origin)
    replies.name = ask(
        "A name for the campaign?", CAMPAIGN, lambda text: check_name(text, "campaign")
    )
    return replies


QUESTIONS_ON_PLACES = {
    "site": "which site is it at?",
    "place": "which part of the site?",
    "device": "what kind of device?",
    "group": "which group of users?",
}

Ask = Callable[..., str]


def _ask_line(way: str, replies: Replies, ask: Ask) -> None:
    """Ask for the address of one line, and for what a transparent one needs besides."""

    def check(text: str) -> LineAnswer:
        return _line(way, 1, text, replies)

    if way == "proxy":
        replies.proxy.append(ask("Address of the proxy?", PROXY, check))
    elif way == "resolver":
        replies.resolver.append(ask("Name server, HOST:PORT or a URL?", "127.0.0.1:53", check))
    elif way == "pac":
        replies.pac.append(ask("URL or path of the PAC file?", "http://wpad/proxy.pac", check))
    else:
        say("A device, an IP address of this machine, or netns:NAME.")
        replies.transparent.append(ask("Which connection is filtered?", "eth1", check))
        replies.site_resolver = ask("The site's name server (empty: this machine's)?", "", _server)
        replies.control = ask("Which connection goes past the service?", "eth2", connection)
        replies.control_resolver = ask(
            "An unfiltered name server (empty: this machine's)?", "", _server
        )


def _server(text: str) -> None:
    if text:
        check_line(LineAnswer(name="resolver", type="resolver", options={"server": text}))


def _text(what: str, longest: int = LONGEST) -> Callable[[str], str]:
    return lambda text: check_text(text, what, longest)


def _ways(text: str) -> tuple[str, ...]:
    """The kinds of lines by their numbers. Raises UsageError."""
    numbers = text.split()
    if not numbers or any(number not in {"1", "2", "3", "4"} for number in numbers):
        msg = f"{text!r}: write numbers from 1 to 4, such as '1 3'"
        raise UsageError(msg)
    return tuple(WAYS[int(number) - 1] for number in dict.fromkeys(numbers))


def _known_origin(directory: Path) -> str:
    found = directory / ORIGIN
    return str(found) if found.exists() else ""


def _origin(text: str) -> None:
    if text:
        read_origin(Path(text))
