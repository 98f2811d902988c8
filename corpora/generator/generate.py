"""Generate the shipped packs: ``python -m corpora.generator.generate`` rewrites ``corpora/packs``.

Run it from a checkout. All content is own work under CC0. There is no randomness and no clock, so
the same code gives the same bytes, which a test compares.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from corpora import hostnames
from corpora.generator import vector_packs
from corpora.generator.tls_hosts import tls_checks
from corpora.generator.vector_packs import Row, read_table, school_pages
from corpora.pack_reader import PACKS
from corpora.pack_writer import PackDetails, write_pack
from corpora.taxonomy import shipped, twin_of
from harness.model.campaign import PHASES

ZONE = "accredit.test"
CREATED = "2026-11-24T00:00:00Z"
BLOCKS = 120
TWINS = 60
SPECIAL = {"redirect": 20, "slow": 5, "dead": 5}

_PHASES = {
    "all": "*",
    "EY+": "*",
    "EYFS": "ks1",
    "KS1": "ks1",
    "KS1+": "*",
    "KS2": "ks2",
    "KS2+": "|".join(PHASES[1:]),
    "KS3": "ks3",
    "KS3+": "|".join(PHASES[2:]),
    "KS4": "ks4",
    "KS4+": "|".join(PHASES[3:]),
    "P16": "post16",
    "staff": "staff",
}
"""The phases of a page's readers. Early years share a profile with key stage 1."""

_SOURCES = {
    "curated": "curated",
    "classic": "scunthorpe-set",
    "well-known": "run-on-domains",
    "ORG/Top10VPN": "org-2019",
}


def canary() -> Iterator[Row]:
    """Pages of the test range with a category, their benign twins, and special pages."""
    for category in shipped():
        if category.tier in ("must_allow", "control") or category.code in ("ILL", "LOC"):
            continue
        name = category.code.lower().replace(".", "-")
        twin = twin_of(category.code)
        for number in range(1, BLOCKS + 1):
            pair = f"{name}-{number:03}" if number <= TWINS else ""
            host = f"{name}-{number:03}.canary.{ZONE}"
            yield _host_row(f"{name}-{number:03}", host, category.code, category.code, pair)
        for number in range(1, TWINS + 1):
            pair = f"{name}-{number:03}"
            yield _host_row(
                f"{pair}-twin", f"{pair}.twin.{ZONE}", twin, f"twin:{category.code}", pair
            )
    for name, count in SPECIAL.items():
        for number in range(1, count + 1):
            host = f"{name}-{number:03}.special.{ZONE}"
            yield _host_row(f"{name}-{number:03}", host, "CTRL", f"special:{name}", "")


def _host_row(identity: str, host: str, label: str, stratum: str, pair: str) -> Row:
    return {
        "id": identity,
        "value": host,
        "kind": "host",
        "registrable": host,
        "labels": label,
        "pair_id": pair,
        "stratum": stratum,
        "sensitivity": "S0",
    }


def overblock() -> Iterator[Row]:
    """Benign pages with words that mislead crude filters; the note describes the page.

    Pages of a category that a policy may want blocked are of that category's stratum and of no
    language, so that a few of them do not make up a stratum or a language of their own.
    """
    for term in read_table("overblock_terms.csv"):
        number = term["id"].removeprefix("OB-")
        host = f"ob-{number}.overblock.{ZONE}"
        code = term["canonical_code"]
        row = _host_row(term["id"], host, code, term["kind"], "")
        yield {
            **row,
            "label_source": _SOURCES[term["source"].split()[0]],
            "phases": _PHASES[term["phase"]],
            "lang": term["lang"],
            "sensitivity": term["sensitivity"],
            "notes": term["context"],
            **({} if code.startswith("ALW") else {"stratum": code, "lang": ""}),
        }


def education_uk() -> Iterator[Row]:
    """Real sites that schools in the United Kingdom need, one a registrable domain.

    Contested and made-up entries of the source table are left out.
    """
    domains: set[str] = set()
    for site in read_table("education_uk.csv"):
        domain = hostnames.registrable(site["host"])
        if domain in domains or site["note"]:
            continue
        domains.add(domain)
        yield {
            "id": site["id"],
            "value": site["url"],
            "kind": "url",
            "registrable": domain,
            "labels": site["canonical_code"],
            "label_source": "curated",
            "phases": _PHASES[site["phase"]],
            "stratum": site["canonical_code"],
            "lang": "en-GB",
            "country": "GB",
            "verify_status": "unchecked",
            "sensitivity": "S0",
        }


_OWN = ({"title": "own work of the project", "x-licence": "CC0-1.0"},)

SHIPPED: dict[str, tuple[Callable[[], Iterator[Row]], PackDetails]] = {
    "canary": (
        canary,
        PackDetails(
            name="canary",
            version="1.0.0",
            title="Canary pages of the project's own range, with benign twins",
            description=(
                f"Names below {', '.join(hostnames.PRIVATE_SUFFIXES)} count as sites of their own: "
                "those are declared private suffixes, so 'registrable' is the host itself. "
                "The pages hold neutral text and a marker, whatever their label."
            ),
            created=CREATED,
            sources=_OWN,
            frame="canary zone",
            seed="canary",
        ),
    ),
    "overblock": (
        overblock,
        PackDetails(
            name="overblock",
            version="1.0.1",
            title="Benign pages with words that trip a crude filter",
            created=CREATED,
            sources=_OWN,
            frame="over-block zone",
            kind="content",
            design="purposive",
            sensitivity="S1",
            seed="overblock",
        ),
    ),
    "school-pages": (
        school_pages,
        PackDetails(
            name="school-pages",
            version="1.0.0",
            title="Pages of the project's own range on what schools need",
            description=(
                "Harmless pages with words of their own, enough of each topic to decide the "
                "over-blocking requirements of every shipped scheme."
            ),
            created=CREATED,
            sources=_OWN,
            frame="over-block zone",
            design="purposive",
            seed="school-pages",
        ),
    ),
    "tls-checks": (
        tls_checks,
        PackDetails(
            name="tls-checks",
            version="1.1.0",
            title="Hosts that show faults of certificates and weak encryption, and good ones",
            description="Harmless hosts on no list; the origin answers TLS as a host's name says.",
            created=CREATED,
            sources=_OWN,
            frame="zone of checks of TLS",
            design="purposive",
            seed="tls-checks",
        ),
    ),
    "education-uk": (
        education_uk,
        PackDetails(
            name="education-uk",
            version="1.0.0",
            title="Sites that schools in the United Kingdom need",
            description="Real sites, one a registrable domain; whether they live is unchecked.",
            created=CREATED,
            sources=_OWN,
            frame="curated",
            design="purposive",
            kind="real",
            label_method="single",
            max_age_days=180,
            seed="education-uk",
        ),
    ),
}
"""The shipped packs: how their rows are made, and what their manifests say."""

for _pack in vector_packs.PACKS:
    SHIPPED[_pack.name] = (
        _pack.rows,
        PackDetails(
            name=_pack.name,
            version=_pack.version,
            title=_pack.title,
            description=_pack.description,
            created=CREATED,
            sources=_OWN,
            frame="curated",
            design="purposive",
            sensitivity=_pack.sensitivity,
            kind=_pack.kind,
            label_method="single",
            seed=_pack.name,
        ),
    )


def generate(out: Path) -> None:
    """Write all shipped packs below ``out``, in place of those that are there."""
    for name, (rows, details) in SHIPPED.items():
        shutil.rmtree(out / name, ignore_errors=True)
        write_pack(out / name, rows(), details)


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the shipped packs, or write them somewhere else."""
    parser = argparse.ArgumentParser(
        prog="python -m corpora.generator.generate", description=main.__doc__
    )
    parser.add_argument("--out", type=Path, default=PACKS)
    generate(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
