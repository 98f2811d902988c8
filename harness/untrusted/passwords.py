"""Remove passwords of databases and proxies from everything that is printed or written.

A driver's message may quote a password, decode it, or cut it where a URL was misread. So a message
is shown only if it shares no part with a secret of the URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
SHORTEST = 4
"""Parts of a secret of this length must not be shown; of a shorter secret, all of it."""

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
"""Name and password in a URL (RFC 3986, section 3.2.1)."""
_NAMED = re.compile(
    r"""(?ix) ( (?:pass(?:word|wd|phrase)?|pwd|sslpassword|secret) \s* = \s* )
    ( '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | [^\s&;,)\]}'"]+ )"""
)
"""A password with its name: in a query, or in the keyword form of libpq (section 34.1.1)."""
_DATABASE = re.compile(r"(?i)^\s*(postgres(?:ql)?|mysql|mariadb|oracle|mssql)(?:\+\w+)?:")
_PLACE = re.compile(r"([\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(/[\w./-]*)?$")
"""Host, port and database; the port is not shown, as it may be a password whose "@" is missing."""
_KEYWORDS = re.compile(r"(?i)(?:^|\s)(host|hostaddr|port|dbname|user|service|password)\s*=")
_CREDENTIALS = re.compile(r"^(?![A-Za-z]:[\\/])[^/\\\s]*:[^@\s]*@")


def without_passwords(text: str) -> str:
    """Replace user information in URLs, and named passwords, by ``***``."""
    if "@" not in text and "=" not in text:
        return text
    return _NAMED.sub(rf"\g<1>{HIDDEN}", _USERINFO.sub(f"{HIDDEN}@", text))


def is_database(text: str) -> bool:
    """Whether the name of a registry is meant as a database URL, well-formed or not."""
    return "://" in text or any(form.search(text) for form in (_DATABASE, _KEYWORDS, _CREDENTIALS))


def database_place(url: str) -> str:
    """Return driver, host and database of a URL, without user, password and options."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "the database URL"
    driver = scheme if re.fullmatch(r"[A-Za-z][\w+]{0,30}", scheme) else HIDDEN
    found = _PLACE.match(re.split(r"[?#]", rest.rpartition("@")[2])[0])
    # where an "@" or a "/" is missing, a part of the password stands where the host should
    if found is None or _shows_secret("".join(found.groups("")), list(secrets_of(url))):
        return f"{driver}://{HIDDEN}"
    return f"{driver}://{''.join(found.groups(''))}"


def reason_without(url: str, error: Exception) -> str:
    """Return the first line of a database error; only its type if it shows a secret of ``url``."""
    said = str(getattr(error, "orig", None) or error)
    secrets = list(secrets_of(url))
    if _shows_secret(said, secrets):
        kind = type(getattr(error, "orig", None) or error).__name__
        return f"{kind} (what the database said holds a part of the password, and is not shown)"
    return without_passwords((said.splitlines() or [type(error).__name__])[0])


def secrets_of(url: str) -> Iterator[str]:
    """Yield every secret that a database URL may contain."""
    yield from _after_colon(url)
    for found in _NAMED.finditer(url):
        yield found.group(2).strip("'\"")
        yield url[found.start(2) :]  # unquoted, it may go on behind what looks like its end


def _after_colon(url: str) -> Iterator[str]:
    """Yield the text between a colon and an "@": the password, even in a malformed URL."""
    rest = url.partition("://")[2] or url
    user, at, _ = rest.rpartition("@")
    if at and ":" in user:
        secret = user.partition(":")[2]
        yield from (secret, f":{secret}@")  # what stands around it tells a piece of it apart
    elif not at and re.match(r"[^/?\[]*:(?!\d{1,5}(?:[/?#]|$))", rest):
        yield rest.partition(":")[2]


def _shows_secret(said: str, secrets: list[str]) -> bool:
    return any(part in said for secret in secrets for part in _parts(secret))


def _parts(secret: str) -> Iterator[str]:
    """Yield each part of a secret, in each encoding, that must not be shown."""
    decoded = unquote(secret)
    spelled = {secret, decoded, unquote_plus(secret), quote(decoded, ""), quote_plus(decoded)}
    spelled |= {repr(text)[1:-1] for text in tuple(spelled)}
    for text in filter(None, spelled):
        size = min(SHORTEST, len(text))
        yield from (text[at : at + size] for at in range(len(text) - size + 1))
