"""The folder of a hub: its file ``hub.yaml``, its private keys, and where it keeps what comes.

The format is docs/reference/hub.md. Paths in ``hub.yaml`` begin at the folder.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import AfterValidator, Field, PrivateAttr

from harness.cli.hub_notify_file import Notifying
from harness.cli.hub_oidc_file import OidcProvider
from harness.cli.hub_retention_file import Retention
from harness.cli.paths import CampaignPaths
from harness.cli.trusted_keys import TrustedKey, TrustedKeys, read_trusted
from harness.errors import InstrumentError, UsageError
from harness.fleet.identity import KEY_FILE_BYTES, Identity
from harness.model.declared import Declared
from harness.monitor.monitoring_file import MonitoringFile, read_monitoring
from harness.store.atomic_write import write_new
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import read_document, validate

FILE, KEYS = "hub.yaml", "hub.keys"
LISTEN = "127.0.0.1:8443"
PEM_BYTES = 1024 * 1024

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9.-]{1,253}):([0-9]{1,5})")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = 65536

TEMPLATE = """\
# A hub of Accredit; see docs/reference/hub.md. Paths begin at this folder.

# The monitoring file: which campaigns are repeated when, on which sites.
monitoring: {monitoring}

# Where results and the registry are, as in 'accredit monitor --out'.
out: {out}

# The address that agents use.
url: {url}

# Where 'accredit serve' listens.
listen: {listen}

# Reverse proxies before this hub, by address or network. Only what these add to X-Forwarded-For
# is believed.
proxies: []

# Certificates in PEM, the hub's own first, and its private key. Behind a reverse proxy give the
# certificates of the proxy, and no key: by them an agent sees that TLS is intercepted.
certificates: {certificates}
key: {key}

# Whose signed bundles people may send; see docs/reference/hub-uploads.md.
# trusted:
# - {{key: keys/laboratory.pub.pem, holder: Example Laboratory, kind: laboratory}}
# - {{key: keys/acme.pub.pem, holder: Acme, kind: supplier, supplier: Acme}}
"""


def _is_address(text: str) -> str:
    """Return ``HOST:PORT`` as it is. Raises ValueError."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[2]) >= _PORTS:
        msg = "write a host and a port, such as 127.0.0.1:8443"
        raise ValueError(msg)
    return text


def hub_url(text: str) -> str:
    """Return the URL of a hub as it is. Raises ValueError."""
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        is_url = (parts.scheme == "https" or is_plain) and bool(parts.hostname)
        is_url = is_url and not (parts.username or parts.query or parts.fragment)
        is_url = is_url and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    if not is_url:
        msg = "write the address of the hub, such as https://hub.example.org"
        raise ValueError(msg)
    return text.rstrip("/")


def _is_network(text: str) -> str:
    """Return an address or a network as it is. Raises ValueError."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        msg = "write an address or a network, such as 127.0.0.1 or 10.0.0.0/24"
        raise ValueError(msg) from None
    return text


SomePath = Annotated[str, Field(min_length=1, max_length=1000)]
Url = Annotated[str, Field(max_length=500), AfterValidator(hub_url)]
Listen = Annotated[str, AfterValidator(_is_address)]


Network = Annotated[str, AfterValidator(_is_network)]


class HubFile(Declared):
    """The file of a hub; ``folder`` is where it was read."""

    monitoring: SomePath
    url: Url
    out: SomePath = "out"
    listen: Listen = LISTEN
    proxies: tuple[Network, ...] = ()
    certificates: tuple[SomePath, ...] = ()
    key: SomePath | None = None
    notify: Notifying = Notifying()
    oidc: OidcProvider | None = None
    retention: Retention = Retention()
    trusted: tuple[TrustedKey, ...] = ()
    schemes: tuple[SomePath, ...] = ()
    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """The folder of the hub."""
        return self._folder

    @property
    def results(self) -> Path:
        """The folder of results."""
        return self._folder / self.out

    @property
    def registry(self) -> Path | str:
        """The registry: that of the results, or the one that the environment names."""
        return CampaignPaths(out=self.results, campaign="").registry

    @property
    def monitoring_path(self) -> Path:
        """The monitoring file."""
        return self._folder / self.monitoring

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port to listen at."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    def read_monitoring(self) -> MonitoringFile:
        """Read the monitoring file. Raises FaultyDocument, UsageError."""
        return read_monitoring(self.monitoring_path)

    def trusted_keys(self) -> TrustedKeys:
        """The public keys whose bundles are accepted. Raises UsageError."""
        return read_trusted(self.trusted, self._folder)

    def scheme_paths(self) -> tuple[Path, ...]:
        """The files of the hub's own schemes, beside the shipped ones."""
        return tuple(self._folder / name for name in self.schemes)

    def certificate_digests(self) -> tuple[str, ...]:
        """The SHA-256 of the first certificate (DER) of each file. Raises UsageError."""
        return tuple(_digest_of(self._folder / name) for name in self.certificates)


def read_hub(folder: Path) -> HubFile:
    """Read the file of a hub. Raises FaultyDocument, UsageError."""
    if not (folder / FILE).is_file():
        msg = f"{folder}: no hub here ({FILE} is missing); 'accredit hub init' makes one"
        raise UsageError(msg)
    hub = validate(read_document(folder / FILE), HubFile)
    hub._folder = folder  # noqa: SLF001 - of a model of this module, just made
    return hub


def make_hub(folder: Path, text: str) -> None:
    """Make the folder of a hub with its keys. Raises UsageError if there is one."""
    for name in (FILE, KEYS):
        if (folder / name).exists():
            msg = f"{folder / name}: exists already; a hub is made once"
            raise UsageError(msg)
    try:
        make_private(folder)
        write_new(folder / KEYS, Identity.new().to_bytes())
        write_new(folder / FILE, text.encode())
    except OSError as error:
        msg = f"{folder}: no hub can be made here: {error.strerror or error}"
        raise UsageError(msg) from None


def read_keys(folder: Path) -> Identity:
    """Read the private keys of a hub. Raises UsageError, InstrumentError."""
    path = folder / KEYS
    try:
        content = read_bounded(path, KEY_FILE_BYTES)
    except FileNotFoundError:
        msg = f"{path}: the keys are missing; restore them, for agents trust no other hub"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: the keys cannot be read: {error.strerror or error}"
        raise InstrumentError(msg) from None
    return Identity.from_bytes(content, path)


def _digest_of(path: Path) -> str:
    try:
        found = x509.load_pem_x509_certificates(read_bounded(path, PEM_BYTES))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds none in PEM"
        msg = f"{path}: no certificate can be read: {reason}"
        raise UsageError(msg) from None
    return hashlib.sha256(found[0].public_bytes(Encoding.DER)).hexdigest()
