"""``docs/reference/dependencies.md``: the libraries that Accredit depends on, and what each is for.

``python -m test_suites.documentation.dependencies_page uv.lock`` prints the page. Sizes and licences
are those of the environment; dates are those of a lock file that ``uv lock`` writes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from test_suites.kit.rooms import ROOT

PAGE = ROOT / "docs/reference/dependencies.md"

BASE = "base"

HEAD = """\
# Dependencies

`pipx install isp-accredit` installs the base: it measures, concludes, follows plans, writes reports, and runs
`accredit demo`. It is at most 300 MB and 45 packages, with what the libraries below bring along. Everything else is
an extra, by what people do: `pipx install 'isp-accredit[mail,quic]'`; `isp-accredit[all]` installs all. What is used
without its extra is refused with a sentence that names it, before anything is sent, and `accredit doctor` lists the
extras that are not installed.

| extra | for |
|---|---|
"""

FOOT = """
Sizes are those on disk of the library alone, on Linux with Python 3.13. This page is made by
`python -m test_suites.documentation.dependencies_page` from `pyproject.toml`, an environment, and the dates of a lock file.
"""

EXTRAS = {
    "analysis": "outcomes and plans as Excel tables, figures for slides (`report --figures`), Parquet files",
    "mail": "mail filters (`accredit mail`), alerts that arrive by mail, the mail relay of the range, `demo --all`",
    "quic": "HTTP/3, DNS over QUIC and the techniques over QUIC; the range serves them",
    "uploads": "uploads of pictures that show a text",
    "alerts": "`accredit alerts receive`: a webhook and a mailbox",
    "portable": "the lane `portable` on Linux; elsewhere it is in the base",
    "pac": "lines that follow a PAC file",
    "browser": "pages in Chromium, and how accessible block pages are",
    "doh": "nothing more: HTTP/2 for name servers is in the base; the name stays for older commands",
    "postgresql": "a registry that several assessors share",
    "monitor": "monitoring at times that a file names",
    "notify": "messages and calendars of what is due",
    "hub": "the server of a hub",
    "certificate": "certificates as PDF; as JSON they need none",
    "pytest": "the accreditation suite under pytest",
    "fast": "a cheaper event loop",
    "all": "everything",
}
"""What each extra is for."""

PURPOSES = {
    "ada-url": "URLs as browsers read them",
    "aiohttp": "the lane `portable`; the webhook for alerts",
    "aioquic": "QUIC, HTTP/3, DNS over QUIC, and their servers in the range",
    "aiosmtpd": "the tester's mailbox; the mail relay of the range",
    "aiosmtplib": "sends mails",
    "alembic": "migrations of the registry",
    "allure-pytest": "results for Allure",
    "apprise": "messages by e-mail, chat and other services",
    "apscheduler": "the monitor in one process",
    "argon2-cffi": "passwords of a hub",
    "authlib": "single sign-on of a hub (OpenID Connect)",
    "axe-playwright-python": "axe-core, for the accessibility of block pages",
    "backports.zstd": "Zstandard before Python 3.14",
    "brotli": "the content coding `br`",
    "cronsim": "cron expressions in a monitoring file",
    "cryptography": "certificates, signatures of journals and decisions",
    "curl_cffi": "the TLS handshake of a browser (the lane `browser`)",
    "dkimpy": "signatures of mails (DKIM)",
    "dnspython": "DNS",
    "duckdb": "Parquet files",
    "fastapi": "pages and API of a hub",
    "filelock": "one process writes a journal at a time",
    "h11": "HTTP/1.1 of name servers, and of the range",
    "h2": "HTTP/2",
    "hpack": "header fields of HTTP/2, as they are sent",
    "httpcore": "connections of the independent client",
    "httptools": "reads HTTP/1.1 in the lane `wire`",
    "httpx": "the independent client that checks a finding",
    "hyperframe": "frames of HTTP/2, as they are sent",
    "icalendar": "calendars of what is due",
    "idna": "international names",
    "jinja2": "reports and pages",
    "joserfc": "signed tokens of single sign-on",
    "matplotlib": "figures as PNG and SVG",
    "msgspec": "journals and JSON",
    "numpy": "bounds and simulations",
    "openpyxl": "Excel tables",
    "pandas": "outcomes as an Excel table or data frame",
    "pikepdf": "attaches the signed certificate to its PDF",
    "pillow": "draws a text as a picture, to upload it",
    "playwright": "drives Chromium",
    "procrastinate": "the monitor on several machines",
    "prometheus-client": "figures about a hub, for Prometheus",
    "psycopg": "PostgreSQL",
    "publicsuffixlist": "the Public Suffix List: which part of a name is one site",
    "pydantic": "checks what people write in files",
    "pyotp": "one-time passwords of a hub",
    "pytest": "the accreditation suite",
    "python-multipart": "forms of a hub",
    "quickjs-ng": "evaluates PAC files",
    "rapidfuzz": "how alike pages are; names that were misspelt",
    "rfc8785": "JSON in the one form that is signed",
    "rich": "tables and progress in the terminal",
    "ruamel.yaml": "YAML with line numbers",
    "segno": "the QR code of a certificate",
    "selectolax": "reads HTML",
    "sqlalchemy": "the registry",
    "typer": "the command line",
    "typst": "sets certificates as PDF",
    "uvicorn": "serves a hub",
    "uvloop": "the event loop",
}
"""What each dependency is for, by its name in pyproject.toml."""


class Dependency(NamedTuple):
    """A dependency, and what needs it: the base or extras."""

    name: str
    needed_by: tuple[str, ...]


def project() -> dict[str, Any]:
    """The table ``project`` of pyproject.toml."""
    read: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return read


def dependencies() -> list[Dependency]:
    """Every dependency of the base and of an extra, by name."""
    declared = project()
    found: dict[str, list[str]] = {}
    groups = {BASE: declared["dependencies"], **declared["optional-dependencies"]}
    for group, texts in groups.items():
        for text in texts if group != "all" else ():
            where = f"{group} (not on Linux)" if "!= 'linux'" in text else group
            found.setdefault(re.split(r"[^\w.-]", text)[0], []).append(where)
    return [Dependency(name, tuple(found[name])) for name in sorted(found, key=str.lower)]


def licence_of(found: Distribution) -> str:
    """The licence that a distribution states: an SPDX expression, else its words or classifier."""
    metadata = found.metadata
    if expression := metadata.get_all("License-Expression"):
        return str(expression[0])
    named = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or ()
        if each.startswith("License :: ")
    ]
    stated = str((metadata.get_all("License") or [""])[0]).partition("\n")[0]
    return stated if 0 < len(stated) <= 30 else ", ".join(named) or "not stated"


def size_of(found: Distribution) -> int:
    """The bytes of a distribution's files on disk."""
    paths = (Path(str(each.locate())) for each in found.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def releases(lock: Path) -> dict[str, tuple[str, str]]:
    """The version of each package of a lock file, and the day when it was uploaded."""
    found = {}
    for package in tomllib.loads(lock.read_text()).get("package", ()):
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        days = sorted(str(each["upload-time"])[:10] for each in files if "upload-time" in each)
        if days:
            found[package["name"]] = package["version"], days[0]
    return found


def row_of(dependency: Dependency, released: dict[str, tuple[str, str]]) -> str:
    """The row of a dependency in the table."""
    name = dependency.name
    version, day = released.get(re.sub(r"[-_.]+", "-", name).lower(), ("", ""))
    try:
        found = distribution(name)
        size, licence = f"{size_of(found) / 1e6:.1f} MB", licence_of(found)
    except PackageNotFoundError:
        size, licence = "", ""
    needed = ", ".join(dependency.needed_by)
    cells = (name, needed, PURPOSES[name], size, licence, f"{version} of {day}" if day else version)
    return f"| {' | '.join(cells)} |"


def dependencies_page(lock: Path) -> str:
    """The whole page."""
    extras = "".join(f"| `{name}` | {words} |\n" for name, words in EXTRAS.items())
    title = "\n| dependency | needed by | for | size | licence | last release |\n|---|---|---|---|---|---|\n"
    released = releases(lock)
    rows = "".join(f"{row_of(each, released)}\n" for each in dependencies())
    return f"{HEAD}{extras}{title}{rows}{FOOT}"


if __name__ == "__main__":
    sys.stdout.write(dependencies_page(Path(sys.argv[1])))
