"""The flaws of blocks: how they are announced, and what their pages state and allow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.judge.block_page_quality import flaws_of, is_reusable, site_of
from harness.judge.filter_fingerprints import NO_FINGERPRINTS, FilterFingerprints
from harness.judge.trial_features import TrialFeatures
from harness.model.block_flaw import CHECKS, DEFECTS, FIELDS, ILLEGAL, BlockFlaw, flaws_in_words
from harness.model.corpus import Item
from harness.model.facts import (
    BrowserCheck,
    Caching,
    DnsFacts,
    ExtendedError,
    PageDetails,
    WebFacts,
)
from harness.model.observation import AttemptKey, Failure, Observation
from harness.model.verdict import Mechanism, Trial

HOST = "games.example.test"
GOOD = """\
Access to games.example.test is blocked
Reason: the school's policy does not allow it
Category: Games
Policy in force: Year 5
Reference: 48213
If this is wrong, please appeal."""
NONE = BlockFlaw(0)
STATED = BlockFlaw(sum(FIELDS))


def flaws(
    details: PageDetails | None,
    mechanism: Mechanism = Mechanism.BLOCK_PAGE,
    *,
    failure: str = "",
    ours: FilterFingerprints = NO_FINGERPRINTS,
    sensitivity: Any = "S0",
    **facts: Any,
) -> BlockFlaw:
    """The flaws of a block whose page has these details, without those of ILL-07 and BLK-04."""
    web = WebFacts(url=f"http://{HOST}/", details=details, **{"status": 403} | facts)
    failed = Failure(name=failure, stage="tls") if failure else None
    aside = BlockFlaw(sum(ILLEGAL) | sum(CHECKS)) | BlockFlaw.UNCHECKED
    return of(web, mechanism, failed, ours, sensitivity) & ~aside


def of(
    facts: Any,
    mechanism: Mechanism,
    failure: Failure | None = None,
    ours: FilterFingerprints = NO_FINGERPRINTS,
    sensitivity: Any = "S0",
) -> BlockFlaw:
    item = Item(id="i", value=HOST, labels=("GAMES",), sensitivity=sensitivity)
    key = AttemptKey(campaign="c", item="i", probe="web", line="l", profile="p")
    started = datetime(2026, 1, 1, tzinfo=UTC)
    seen = Observation(key=key, item=item, started=started, batch=1, facts=facts, failure=failure)
    return flaws_of(TrialFeatures(Trial(service=seen, control=None), ours), mechanism)


def page(text: str = GOOD, **more: Any) -> PageDetails:
    usual: dict[str, Any] = {
        "links": ("/appeal",),
        "markup": "escaped",
        "browser": BrowserCheck(engine="axe"),
    }
    return PageDetails(text=text, **usual | {"language": "en-GB"} | more)


def test_a_good_page_has_no_flaw() -> None:
    assert flaws(page()) == NONE
    assert flaws_in_words(NONE) == ""


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("Category", BlockFlaw.NO_CATEGORY),
        ("Policy", BlockFlaw.NO_POLICY),
        ("Reference", BlockFlaw.NO_TIME),
        ("If this", BlockFlaw.NO_APPEAL),
        ("Reason", BlockFlaw.NO_REASON),
    ],
)
def test_a_field_that_is_missing_or_empty_is_a_flaw(line: str, flaw: BlockFlaw) -> None:
    lines = GOOD.splitlines()
    without = "\n".join(each for each in lines if not each.startswith(line))
    empty = "\n".join(f"{line}:" if each.startswith(line) else each for each in lines)

    assert flaws(page(without)) == flaw
    assert flaws(page(empty)) == flaw
    assert FIELDS[flaw] in flaws_in_words(flaw)


@pytest.mark.parametrize(
    "text",
    [
        "Appeal!\nCategory:\nPolicy:\nTime:\nReason:",
        "Appeal!\nCategory\nPolicy\nTime\nReason",
        "Category: -\nPolicy: none\nReference: n/a\nReason: unknown\nappeal",
        "Appeal! Category: Policy: Time: Reason:",
    ],
)
def test_labels_without_values_state_nothing(text: str) -> None:
    assert flaws(page(text)) == STATED & ~BlockFlaw.NO_APPEAL


def test_labels_may_stand_in_elements_of_their_own() -> None:
    text = "Reason\nNot allowed\nCategory:\nGames\nFilter profile\nYear 5\nTime\n09:30\nappeal"

    assert flaws(page(text)) == NONE


def test_labels_may_stand_on_lines_far_apart() -> None:
    text = GOOD.replace(": ", "\n \n:\n\n").replace("Category\n \n:\n", "Category\n")

    assert flaws(page(text)) == NONE


@pytest.mark.parametrize("filler", ["a", "a-", "1", "+1", "\n", " \n", "a@", "a.", "category "])
def test_no_text_takes_long_to_read(filler: str) -> None:
    """A search that begins anew at each character takes minutes; the test's own limit stops it."""
    assert flaws(page(filler * (200_000 // len(filler)) + GOOD)) & BlockFlaw.CACHEABLE == NONE


@pytest.mark.parametrize(
    "links",
    [(), ("/",), ("about:blank",), (f"http://{HOST}/",), (f"https://{HOST}#top",), (f"//{HOST}",)],
)
def test_a_way_to_appeal_needs_an_address(links: tuple[str, ...]) -> None:
    assert flaws(page(links=links)) == BlockFlaw.NO_APPEAL
    assert flaws(page(GOOD + " Write to it@school.test.", links=links)) == NONE
    assert flaws(page(links=(*links, f"http://{HOST}/appeal"))) == NONE
    assert flaws(page(links=(*links, "."))) == NONE, "a form without an address"


@pytest.mark.parametrize(
    "text",
    [
        "Grund: nicht erlaubt\nKategorie: Spiele\nFilterprofil: Klasse 5\nZeit: 9:30 Uhr\nZu Unrecht?",
        "Motif : non autorisé\nCatégorie : Jeux\nProfil : CM2\nHeure : 9 h 30\nContestez par erreur",
        "Motivo: no está permitido\nCategoría: Juegos\nPerfil: 5.º\nHora: 9:30\nBloqueado por error",
        "Motivo: non consentito\nCategoria: Giochi\nProfilo: quinta\nOra: 9:30\nBloccata per errore",
        "Motivo: devido a regras\nCategoria: Jogos\nPerfil: 5.º\nHora: 9:30\nBloqueada por engano",
        "Reden: niet toegestaan\nCategorie: Spellen\nProfiel: groep 7\nTijd: 9:30\nTen onrechte?",
        "Powód: z powodu zasad\nKategoria: Gry\nProfil: klasa 5\nCzas: 9:30\nZablokowane omyłkowo",
        "Orsak: inte tillåten\nKategori: Spel\nProfil: åk 5\nTid: 9:30\nBlockerad av misstag",
        "Årsag: ikke tilladt\nKategori: Spil\nProfil: 5. klasse\nTid: 9:30\nSpærret ved en fejl",
        "Rheswm: ddim yn addas\nCategori: Gemau\nProffil: Blwyddyn 5\nAmser: 9:30\nCamgymeriad?",
    ],
)
def test_fields_are_read_in_other_languages(text: str) -> None:
    assert flaws(page(text)) == NONE


def test_fields_of_outer_and_inner_page_are_read_together() -> None:
    lines = GOOD.splitlines(keepends=True)
    inner = WebFacts(url="http://filter.test/", status=200, details=page("".join(lines[3:])))

    assert flaws(page("".join(lines[:3]), markup=""), inner=(inner,)) == NONE


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("Indecent images of children are illegal.\nGet confidential help", NONE),
        ("Indecent images of children are illegal.", BlockFlaw.NO_HELP),
        ("This page is illegal.\nGet confidential help", BlockFlaw.NO_LEGAL_WORDING),
        ("Darstellungen von sexuellem Missbrauch. Hilfe finden", BlockFlaw.NO_LEGAL_WORDING),
        ("Kinderpornografie ist strafbar. Hilfe finden", NONE),
    ],
)
def test_wording_and_help_of_illegal_content(text: str, flaw: BlockFlaw) -> None:
    web = WebFacts(url=f"http://{HOST}/", status=403, details=page(text))

    assert of(web, Mechanism.BLOCK_PAGE) & BlockFlaw(sum(ILLEGAL)) == flaw


@pytest.mark.parametrize(
    ("facts", "failure", "expected"),
    [
        (WebFacts(url="http://a/", status=403), None, NONE),
        (WebFacts(url="http://a/", status=451), None, NONE),
        (WebFacts(url="http://a/", status=200), None, BlockFlaw.UNANNOUNCED),
        (WebFacts(url="http://a/", tunnel_status=403), None, NONE),
        (WebFacts(url="http://a/", tunnel_status=503), None, BlockFlaw.UNANNOUNCED),
        (WebFacts(url="http://a/"), ("connection_reset", ()), BlockFlaw.UNANNOUNCED),
        (WebFacts(url="http://a/"), ("dns_nxdomain_error", (17,)), NONE),
        (WebFacts(url="http://a/"), ("dns_nxdomain_error", (18,)), BlockFlaw.UNANNOUNCED),
        (DnsFacts(name="a", type="A", server="s"), None, BlockFlaw.UNANNOUNCED),
    ],
)
def test_what_announces_a_block(facts: Any, failure: Any, expected: BlockFlaw) -> None:
    failed = failure and Failure(name=failure[0], stage="resolve", extended_errors=failure[1])

    assert of(facts, Mechanism.OTHER, failed) & BlockFlaw.UNANNOUNCED == expected


@pytest.mark.parametrize("code", [15, 16, 17])
def test_a_name_server_announces_by_an_extended_error(code: int) -> None:
    error = ExtendedError(code=code)
    facts = DnsFacts(name="a", type="A", server="s", extended_errors=(error,))

    assert of(facts, Mechanism.DNS_NXDOMAIN) == BlockFlaw.NO_PAGE


def test_a_name_server_announces_by_a_page_where_its_answer_leads() -> None:
    landing = WebFacts(url="http://a/", status=403)
    facts = DnsFacts(name="a", type="A", server="s", landing=landing)

    assert of(facts, Mechanism.DNS_SINKHOLE) == BlockFlaw.NO_PAGE


def test_a_refused_tunnel_shows_no_page() -> None:
    assert BlockFlaw.NO_PAGE in flaws(page(), Mechanism.PROXY_REFUSAL)
    assert BlockFlaw.NO_PAGE in flaws(page(), failure="connection_reset")


def test_pages_without_details_are_not_read() -> None:
    assert flaws(None) == BlockFlaw.UNREAD
    assert flaws(None, sensitivity="S3") == BlockFlaw.WITHHELD


def test_a_certificate_error_counts_where_the_suppliers_root_is_trusted() -> None:
    failure = "ssl_unknown_authority"

    assert flaws(page(managed=True), failure=failure) == BlockFlaw.CERTIFICATE
    not_managed = BlockFlaw.CERTIFICATE | BlockFlaw.UNMANAGED
    assert flaws(page(), failure=failure) == not_managed


def test_defects_of_a_page() -> None:
    caching = (Caching(url=f"http://{HOST}/", status=200),)

    assert flaws(page(caching=caching)) == BlockFlaw.CACHEABLE
    assert flaws(page(markup="raw")) == BlockFlaw.INJECTABLE
    assert flaws(page(markup="")) == BlockFlaw.UNMARKED
    assert flaws(page(loads=("t.other.test",))) == BlockFlaw.THIRD_PARTY
    assert flaws(page(loads=("static.example.test",))) == NONE
    assert all(words in flaws_in_words(flaw) for flaw, words in DEFECTS.items())


def test_the_suppliers_own_block_page_host_is_no_third_party() -> None:
    ours = FilterFingerprints(hosts=frozenset({"www.filter.net"}))

    assert flaws(page(loads=("cdn.filter.net",)), ours=ours) == NONE


def test_a_redirect_away_that_can_be_cached_is_a_flaw() -> None:
    last = Caching(url="http://filter.test/", status=403)
    led = Caching(url=f"http://{HOST}/", status=301)

    assert flaws(page(caching=(led, last)), Mechanism.REDIRECT) == BlockFlaw.CACHEABLE
    assert flaws(page(caching=(led, last))) == NONE


@pytest.mark.parametrize(
    ("status", "control", "expires", "expected"),
    [
        (403, "", "", False),
        (451, "", "", True),
        (200, "no-store", "", False),
        (200, "no-cache, max-age=60", "", False),
        (200, 'no-cache="set-cookie", max-age=60', "", True),
        (200, "max-age=0", "", False),
        (403, "public", "", True),
        (403, "s-maxage=60, max-age=0", "", True),
        (403, "", "Fri, 27 Nov 2026 13:00:00 GMT", True),
        (200, "", "Fri, 27 Nov 2026 11:00:00 GMT", False),
        (200, "", "0", False),
    ],
)
def test_what_a_cache_may_reuse(status: int, control: str, expires: str, expected: bool) -> None:
    date = "Fri, 27 Nov 2026 12:00:00 GMT"
    response = Caching(url="u", status=status, control=control, expires=expires, date=date)

    assert is_reusable(response) is expected


def test_without_a_date_any_valid_time_of_expiry_is_later() -> None:
    expires = "Fri, 27 Nov 2026 13:00:00 GMT"

    assert is_reusable(Caching(url="u", status=403, expires=expires))


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("a.b.example.test", "example.test"),
        ("cdn.school.co.uk", "school.co.uk"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("filter", "filter"),
    ],
)
def test_the_site_of_a_host(host: str, site: str) -> None:
    assert site_of(host) == site


def checked(details: PageDetails, *inner: WebFacts) -> BlockFlaw:
    web = WebFacts(url=f"http://{HOST}/", status=403, details=details, inner=inner)
    found = of(web, Mechanism.BLOCK_PAGE)
    return found & (BlockFlaw(sum(CHECKS)) | BlockFlaw(0x1F0000))


def test_what_a_browser_found_counts() -> None:
    assert checked(page()) == NONE
    assert checked(page(browser=BrowserCheck(violations=("label",)))) == BlockFlaw.INACCESSIBLE
    assert checked(page(browser=None)) == BlockFlaw.UNCHECKED
    missing = BlockFlaw.UNCHECKED | BlockFlaw.NO_EXTRA
    assert checked(page(browser=BrowserCheck(problem="no_extra"))) == missing


def test_pages_in_frames_are_not_checked() -> None:
    inner = WebFacts(url="http://filter.test/", status=200, details=page())

    assert checked(page(), inner) == BlockFlaw.UNCHECKED


@pytest.mark.parametrize("language", ["", "de", "xx", "cy-GB"])
def test_a_page_declares_the_language_of_its_text(language: str) -> None:
    assert checked(page(language=language)) == BlockFlaw.WRONG_LANGUAGE
    assert "language" in flaws_in_words(BlockFlaw.WRONG_LANGUAGE)


@pytest.mark.parametrize("text", ["You have violated the rules.", "You will be punished."])
def test_a_page_blames_nobody(text: str) -> None:
    assert checked(page(f"{GOOD}\n{text}")) == BlockFlaw.BLAMING
