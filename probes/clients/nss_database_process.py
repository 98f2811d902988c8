"""Write an NSS certificate database that trusts some authorities: a script of its own.

Its argument is the database's folder, which is empty; the authorities come in PEM form on standard
input. Chromium on Linux trusts what the database of its user trusts, beside its own root store. NSS
is the library that Chromium itself uses for it, so that no further program is needed; it keeps its
state for a whole process, and so has one of its own. The script uses the standard library alone.
Exit 1, with the reason on standard error, if the database cannot be written.
"""

from __future__ import annotations

import ctypes
import re
import ssl
import sys

LIBRARY = "libnss3.so"
VALID_CA, TRUSTED_CA = 0x08, 0x10
"""Trust of an authority for servers (``nss/certt.h``)."""

_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.ASCII | re.DOTALL
)
_POINTER = ctypes.c_void_p


class Item(ctypes.Structure):
    """``SECItem`` of ``nss/seccomon.h``: some bytes."""

    _fields_ = (("kind", ctypes.c_int), ("data", ctypes.c_char_p), ("size", ctypes.c_uint))


class Trust(ctypes.Structure):
    """``CERTCertTrust`` of ``nss/certt.h``: trust for servers, mail and programs."""

    _fields_ = (("server", ctypes.c_uint), ("mail", ctypes.c_uint), ("code", ctypes.c_uint))


def main() -> None:
    """Write the database."""
    folder, given = sys.argv[1], sys.stdin.read()
    try:
        nss = ctypes.CDLL(LIBRARY)
    except OSError as error:
        sys.exit(f"{LIBRARY} cannot be loaded: {error}")
    certificates = [ssl.PEM_cert_to_DER_cert(each) for each in _CERTIFICATE.findall(given)]
    _open_database(nss, folder)
    for number, certificate in enumerate(certificates, 1):
        _trust(nss, number, certificate)
    nss.NSS_Shutdown()


def _open_database(nss: ctypes.CDLL, folder: str) -> None:
    """Make an empty database, without a password."""
    nss.NSS_InitReadWrite.argtypes = (ctypes.c_char_p,)
    _require(nss.NSS_InitReadWrite(f"sql:{folder}".encode()) == 0, f"no database in {folder}")
    nss.PK11_InitPin.argtypes = (_POINTER, _POINTER, _POINTER)
    _require(nss.PK11_InitPin(_slot(nss), None, None) == 0, "the database cannot be prepared")


def _slot(nss: ctypes.CDLL) -> _POINTER:
    nss.PK11_GetInternalKeySlot.restype = _POINTER
    return _POINTER(nss.PK11_GetInternalKeySlot())


def _trust(nss: ctypes.CDLL, number: int, certificate: bytes) -> None:
    """Add an authority that is trusted for servers."""
    nss.CERT_GetDefaultCertDB.restype = _POINTER
    nss.CERT_NewTempCertificate.restype = _POINTER
    database = _POINTER(nss.CERT_GetDefaultCertDB())
    item = Item(0, certificate, len(certificate))
    read = nss.CERT_NewTempCertificate(database, ctypes.byref(item), None, 0, 1)
    _require(bool(read), f"authority {number} cannot be read")
    name, none = f"authority {number}".encode(), ctypes.c_ulong(0)
    added = nss.PK11_ImportCert(_slot(nss), _POINTER(read), none, name, 0)
    trust = Trust(VALID_CA | TRUSTED_CA, 0, 0)
    trusted = nss.CERT_ChangeCertTrust(database, _POINTER(read), ctypes.byref(trust))
    _require(added == trusted == 0, f"authority {number} cannot be added")


def _require(condition: bool, reason: str) -> None:
    if not condition:
        sys.exit(reason)


if __name__ == "__main__":
    main()
