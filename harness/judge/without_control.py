"""Judge one attempt by itself, for a school's own check, which has no control line.

Without a control, nothing tells a block from a page that has gone. So there is *blocked* only with
evidence of a block (a block page, a refusal by the proxy or the name server, an address that leads
nowhere), *got through* only with the page's known mark or its site's own certificate, and otherwise
*could not be told*. A timeout, a cut connection and a name that does not exist are never a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from harness.judge import block_page_classifier
from harness.judge.block_page_classifier import PageKind
from harness.judge.certificates import is_public
from harness.model.facts import Certificate, DnsFacts, WebFacts
from harness.model.observation import BLOCK_CODES, TIMEOUTS, Failure
from harness.model.private_address import PRIVATE_ADDRESS, Reach, reach_of
from harness.model.school_check import CheckFacts, CheckResult, CheckTarget, Result

OK = 200
REFUSALS = frozenset({403, 451})
"""Answers to CONNECT by which a proxy refuses by rule (RFC 9110 section 15.5.4, RFC 7725)."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FILTERING = frozenset({15, 16, 17})
"""Extended errors by which a name server filters; by 18 it refuses the client (RFC 8914)."""

GATEWAY = "gateway ca"
"""Part of the name of authorities by which Cloudflare's gateway opens connections."""
UNKNOWN_AUTHORITY = "its certificate is not from a public authority that we know"

DECRYPTED = "CTRL"
"""The category of a page that only a filter which opens encrypted connections can block."""
BEFORE_TLS = (
    "before the connection was encrypted, so the site was refused as a whole; this does not tell "
    "whether the filter opens encrypted connections"
)

LOST = "ordinary pages did not arrive before or after it, so the connection itself may be at fault"
STOPPED = "the check was stopped before the connection was tried again"


def judge_alone(target: CheckTarget, tried: CheckFacts, block_page: str = "") -> CheckResult:
    """The result of one target. ``block_page`` is a sentence of the school's block page."""
    if target.method == "forced_name":
        return _judge_forced_name(target, tried)
    if target.method == "forced_page":
        return _judge_forced_page(target, tried, block_page)
    if target.method == "name":
        return _judge_name(tried)
    if target.part == "certificate":
        return _judge_certificate(tried)
    if tried.answered:
        return _seen(Result.GOT_THROUGH, "it gave an answer, so it can be used here")
    return _judge_fetched(target, tried, block_page)


def _judge_fetched(target: CheckTarget, tried: CheckFacts, block_page: str) -> CheckResult:
    """The result of a page that was fetched."""
    seen = _judge_page(tried, target.mark, block_page, proof=target.part in ("agency", "vendor"))
    if target.category == DECRYPTED and seen.result is Result.BLOCKED and not _is_read(tried):
        return _seen(Result.NOT_TOLD, f"{seen.reason}, {BEFORE_TLS}")
    arrived = target.part == "start" and seen.result is Result.GOT_THROUGH
    return msgspec.structs.replace(seen, result=Result.ARRIVED) if arrived else seen


def _is_read(tried: CheckFacts) -> bool:
    """Whether an answer came inside an encrypted connection: somebody had read the request."""
    web = tried.web
    return web is not None and web.status is not None and web.certificate is not None


def require_connection(
    seen: CheckResult, *, before: bool, after: bool, why: str = LOST
) -> CheckResult:
    """The result, unless ordinary pages did not arrive ``before`` and ``after`` the attempt.

    What arrived has arrived; all else might be the work of a broken line or a captive portal.
    ``why`` says why the connection is not known to have worked.
    """
    if (before and after) or seen.result in (Result.GOT_THROUGH, Result.ARRIVED, Result.NOT_TOLD):
        return seen
    return _seen(Result.NOT_TOLD, f"it looked {seen.result} ({seen.reason}), but {why}")


def has_connection(starts: Iterable[CheckResult]) -> bool:
    """Whether most of the ordinary pages arrived with their known marks."""
    arrived = [seen.result is Result.ARRIVED for seen in starts]
    return 2 * sum(arrived) > len(arrived)


def _seen(result: Result, reason: str) -> CheckResult:
    return CheckResult(result=result, reason=reason)


def _judge_page(tried: CheckFacts, mark: str, block_page: str, *, proof: bool) -> CheckResult:
    """Judge a page; with ``proof``, its site's own certificate shows that it arrived."""
    web, failure = tried.web, tried.failure
    if shows_mark(tried, mark):
        return _seen(Result.GOT_THROUGH, "the page's own mark arrived")
    is_own = web is not None and _is_proven(web)
    if block_page and not is_own and _says(tried, block_page):
        return _seen(Result.BLOCKED, "the block page came that you described")
    if web is not None and (blocked := _block_page(web)):
        return blocked
    has_page = web is not None and web.status is not None
    if failure is not None and (not has_page or failure.name == PRIVATE_ADDRESS):
        return _judge_failure(tried, failure)
    if failure is None and has_page and web is not None:
        return _judge_answer(web, proof=proof)
    incomplete = f"the answer was not complete ({_words(failure)})" if failure else "nothing came"
    return _seen(Result.NOT_TOLD, incomplete)


def _judge_answer(web: WebFacts, *, proof: bool) -> CheckResult:
    """Judge a complete answer that is neither the marked page nor a block page."""
    kind = block_page_classifier.classify_page(web).kind
    status = web.status or 0
    if kind is PageKind.ORDINARY and status == OK and web.body_length and proof and _is_proven(web):
        reason = "the page came over an encrypted connection from the site itself"
        return _seen(Result.GOT_THROUGH, reason)
    if kind in (PageKind.MISSING, PageKind.PARKED) or status >= block_page_classifier.REFUSING:
        return _seen(Result.NOT_TOLD, f"the test page was not there (the answer was {status})")
    return _seen(
        Result.NOT_TOLD,
        "a page came that is neither the test page as we know it nor a block page that we "
        "recognise; open the address in a browser and look",
    )


def shows_mark(tried: CheckFacts, mark: str) -> bool:
    """Whether the page's mark arrived: the test range's token, a digest, or a text."""
    if tried.web is not None and tried.web.canary == "seen":
        return True
    if mark.startswith("sha256:"):
        return tried.web is not None and tried.web.body_sha256 == mark.removeprefix("sha256:")
    return bool(mark) and mark.encode() in tried.body


def _block_page(web: WebFacts) -> CheckResult | None:
    """The result if a page, or one in its frames, says that it blocks; else None.

    A page that comes from the site itself speaks for the site, not for a filter.
    """
    if web.status is not None and _is_proven(web):
        return None
    for page in (web, *web.inner):
        classified = block_page_classifier.classify_page(page)
        if classified.kind is PageKind.BLOCK and _is_test_page(page, _first(web)):
            return _seen(
                Result.NOT_TOLD,
                "a page came that speaks of blocking, but it may be the test page itself; open it "
                "and look",
            )
        if classified.kind is PageKind.BLOCK:
            return _seen(Result.BLOCKED, f"a block page came ({classified.witnesses[0]})")
    if web.status == 451:  # noqa: PLR2004 - RFC 7725
        return _seen(Result.BLOCKED, "the answer was 451, blocked for legal reasons")
    return None


_CALLS_ITSELF_TEST = re.compile(r"\btest(?:ing)?\b|if you (?:can )?(?:see|read)")


def _is_test_page(page: WebFacts, home: str) -> bool:
    """Whether a page of the target's own host calls itself a test; host names do not count."""
    words = block_page_classifier.normal(f"{page.title} {page.text}")
    return (
        page.status == OK
        and block_page_classifier.is_same_site_host(
            *map(block_page_classifier.host_of, (page.url, home))
        )
        and _CALLS_ITSELF_TEST.search(words) is not None
    )


def _first(web: WebFacts) -> str:
    """The address that was asked for, before any redirect."""
    return web.hops[0].url if web.hops else web.url


def _is_proven(web: WebFacts) -> bool:
    """Whether the page came over TLS with its own site's certificate, by a public authority."""
    if not web.url.startswith("https:") or not _is_public_chain(web.certificate):
        return False
    home, end = map(block_page_classifier.host_of, (_first(web), web.url))
    return block_page_classifier.is_same_site_host(end, home)


def _is_public_chain(certificate: Certificate | None) -> bool:
    """Whether a chain was verified, and issued by a public authority."""
    return certificate is not None and certificate.trusted is True and _is_public(certificate)


def _is_public(certificate: Certificate) -> bool:
    """Whether the issuer's name is a public authority's; a gateway's authority may hold one."""
    return is_public(certificate.issuer) and GATEWAY not in certificate.issuer.casefold()


def _says(tried: CheckFacts, sentence: str) -> bool:
    """Whether a page shows a sentence, whatever its white space and letter case."""
    wanted = _folded(sentence)
    pages = (tried.web, *tried.web.inner) if tried.web is not None else ()
    texts = [f"{page.title} {page.text}" for page in pages]
    texts.append(re.sub(r"<[^>]{0,500}>", " ", tried.body.decode("utf-8", "replace")))
    return bool(wanted) and any(wanted in _folded(text) for text in texts)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _judge_failure(tried: CheckFacts, failure: Failure) -> CheckResult:
    """Judge an attempt without an answer: only a refusal in so many words is a block."""
    reason = _refusal(tried, failure)
    if reason:
        return _seen(Result.BLOCKED, reason)
    return _seen(Result.NOT_TOLD, _untold(failure))


def _refusal(tried: CheckFacts, failure: Failure) -> str:
    """How a filter refused, in words; empty if the failure shows no refusal."""
    web = tried.web
    tunnel = web.tunnel_status if web is not None else None
    codes = [BLOCK_CODES[code] for code in failure.extended_errors if code in FILTERING]
    by_rule = tunnel in REFUSALS or "ruleset" in failure.detail
    reasons = (
        (
            web is not None and tunnel in REDIRECTS and _leads_to_block_page(web),
            "the proxy led to its block page",
        ),
        (
            failure.name == "proxy_refused_tunnel" and by_rule,
            f"the proxy refused the connection ({tunnel or failure.detail})",
        ),
        (
            failure.name == "dns_bogon_error",
            f"the name server gave an address that leads nowhere ({failure.detail})",
        ),
        (bool(codes), f"the name server said that the name is {''.join(codes[:1])}"),
        (
            tried.other_name_answered,
            "the connection was cut off for this name; with another name the same server answered",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _leads_to_block_page(web: WebFacts) -> bool:
    """Whether a redirect in answer to CONNECT leads to the address of a block page."""
    frames = tuple(value for name, value in web.headers if name == "location")
    away = msgspec.structs.replace(web, frames=frames)
    return block_page_classifier.leads_to_block_page_address(away)


UNTOLD = {
    "dns_refused_error": "the name server refused to answer for this name; it does not say whether "
    "it filters",
    "dns_nxdomain_error": "the name server says that there is no such name; the page may be gone, "
    "or blocked",
    PRIVATE_ADDRESS: "the laptop was sent to an address inside the network, which was not visited; "
    "open the address in a browser and look",
    "proxy_authentication_required": "the proxy wants a name and password; give them as "
    "--proxy http://NAME:PASSWORD@HOST:PORT",
}
"""What some failures mean, in words; they tell nothing about the page."""


def _untold(failure: Failure) -> str:
    """Why a failure tells nothing."""
    if failure.is_instrument:
        return f"this laptop could not try it ({failure.detail or failure.name})"
    if failure.name in TIMEOUTS:
        return "no answer came in time; a filter that stays silent looks like a fault of the line"
    if failure.name in UNTOLD:
        return UNTOLD[failure.name]
    return f"there was no answer ({_words(failure)}); a filter or a fault may be the reason"


def _words(failure: Failure) -> str:
    return failure.name.replace("_", " ")


def _judge_name(tried: CheckFacts) -> CheckResult:
    """Judge a name that was only connected to."""
    if tried.connected and _is_public_chain(tried.certificate):
        reason = "a connection to the site itself was possible; its page was not fetched"
        return _seen(Result.GOT_THROUGH, reason)
    if tried.failure is not None:
        return _judge_failure(tried, tried.failure)
    return _seen(
        Result.NOT_TOLD,
        f"a connection was possible, but {UNKNOWN_AUTHORITY}; the page, which was not fetched, may "
        "still be blocked",
    )


def _judge_forced_name(target: CheckTarget, tried: CheckFacts) -> CheckResult:
    """Judge whether a name leads to its forced name, over IPv4 and over IPv6."""
    reaches = {reach_of(each) for facts in tried.dns for each in facts.addresses}
    if tried.failure is not None:
        untold = _seen(Result.NOT_TOLD, _untold(tried.failure))
        return untold if reaches else _judge_failure(tried, tried.failure)
    if reaches == {Reach.LOCAL}:
        return _seen(Result.BLOCKED, "the name server gave an address that leads nowhere")
    if Reach.PRIVATE in reaches or not reaches:
        inside = UNTOLD[PRIVATE_ADDRESS] if reaches else "the name server gave no address"
        return _seen(Result.NOT_TOLD, inside)
    given = [facts for each in tried.dns if (facts := _only_public(each)).addresses]
    return _compare_with_forced(target.mark.split(), given, tried.forced)


def _only_public(facts: DnsFacts) -> DnsFacts:
    """An answer without the addresses that lead nowhere."""
    public = tuple(each for each in facts.addresses if reach_of(each) is Reach.PUBLIC)
    return msgspec.structs.replace(facts, addresses=public)


FAMILIES = {"A": "IPv4", "AAAA": "IPv6"}


def _compare_with_forced(
    names: list[str], given: list[DnsFacts], forced: tuple[DnsFacts, ...]
) -> CheckResult:
    """Compare a name's answers with the forced names and their addresses."""
    targets = {address for facts in forced for address in facts.addresses}
    leads = [bool({*names} & {*facts.chain}) or _all_in(facts, targets) for facts in given]
    if all(leads):
        return _seen(Result.FORCED, f"the name server leads to {names[0]}")
    if not targets or any(map(_is_unknown, forced)):
        return _seen(Result.NOT_TOLD, "the name server did not give the forced address")
    missed = [FAMILIES[facts.type] for facts, lead in zip(given, leads, strict=True) if not lead]
    family = missed[0] if any(leads) else "this name"
    return _seen(
        Result.NOT_FORCED,
        f"the name server gives the ordinary addresses for {family}; if your browsers or your "
        "proxy force it, look there and write it down",
    )


def _is_unknown(facts: DnsFacts) -> bool:
    """Whether a question was not answered, not even by *there is none*."""
    return not facts.addresses and facts.rcode not in ("NOERROR", "NXDOMAIN")


def _all_in(facts: DnsFacts, targets: set[str]) -> bool:
    return bool(facts.addresses) and targets.issuperset(facts.addresses)


def _judge_forced_page(target: CheckTarget, tried: CheckFacts, block_page: str) -> CheckResult:
    """Judge whether a redirect added a parameter. One that a proxy adds silently is not seen."""
    web = tried.web
    addresses = (*(hop.location for hop in web.hops), web.url) if web is not None else ()
    if any(re.search(rf"[?&]{re.escape(target.mark)}(?:&|#|$)", each) for each in addresses):
        return _seen(Result.FORCED, f"the address was changed to one with {target.mark}")
    seen = _judge_page(tried, "", block_page, proof=False)
    if seen.result is Result.BLOCKED:
        return seen
    return _seen(Result.NOT_TOLD, "the address was not changed; a proxy may do that without a sign")


def _judge_certificate(tried: CheckFacts) -> CheckResult:
    """Report who issued the certificate that was shown; this is not judged."""
    certificate = tried.web.certificate if tried.web is not None else None
    if certificate is None or not certificate.issuer:
        return _seen(Result.NOT_TOLD, "no certificate was seen")
    return _seen(Result.REPORTED, f"issued by {_meaning_of(certificate)}")


def _meaning_of(certificate: Certificate) -> str:
    """What an issuer means, as far as it shows whether a connection was opened on its way."""
    issuer = certificate.issuer
    if _is_public_chain(certificate):
        return f"a public authority ({issuer}): the connection was not opened on its way"
    if _is_public(certificate) and certificate.trusted is None:
        return f"{issuer}; it was not verified"
    if _is_public(certificate):
        return f"{issuer}, but not valid for this site: another server may have answered"
    trust = "" if certificate.trusted else "; this laptop does not trust it"
    return (
        f"{issuer}; {UNKNOWN_AUTHORITY}: the filter, or a program on this laptop, may open "
        f"encrypted connections{trust}"
    )
