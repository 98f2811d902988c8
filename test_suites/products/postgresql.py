"""PostgreSQL as the registry's database: a cluster of its own, gone when the test is over.

PostgreSQL refuses to run as root: there it runs as ``postgres``, whom Debian's package makes.
It listens on loopback alone, asks for a password, and never waits for the disk.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from itertools import count

from sqlalchemy import text

from harness.store.hub.row_security import secure
from harness.store.registry.opening import open_registry
from test_suites.kit.processes.product import LOOPBACK, PATIENCE, DidNotStart, free_port, which
from test_suites.products.product import Product

USER = "postgres"


class PostgreSql(Product):
    """A running PostgreSQL: ``new_database()`` is the URL of an empty database.

    ``new_registry()`` is that of a registry without events.
    """

    def __init__(self) -> None:
        super().__init__("postgresql")
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self._numbers = count()
        self._made = ""

    def start(self) -> None:
        """Make the cluster, and run the server in the foreground."""
        password = self.folder.write("password", self.password)
        self.folder.give_to(USER)
        data = self.folder.path / "data"
        made = [which("initdb") or "initdb", "-D", str(data), "-U", "accredit", "-E", "UTF8"]
        made += ["--no-sync", "--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={password}"]
        subprocess.run([*_demoted(), *made], check=True, capture_output=True, cwd=self.folder.path)
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [part for each in settings.items() for part in ("-c", "=".join(each))]
        command = [*_demoted(), which("postgres") or "postgres", "-D", str(data), *options]
        self.run(*command, answers_at=[(LOOPBACK, self.port)])
        asked = [which("pg_isready") or "pg_isready", "-q", "-h", LOOPBACK, "-p", str(self.port)]
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(asked, check=False).returncode:  # it listens before it is ready
            if time.monotonic() > deadline:
                raise DidNotStart((self.folder.path / "console.log").read_text())

    def new_registry(self) -> str:
        """Make a database with the tables of a registry, and give its URL."""
        if not self._made:
            self._made = self.new_database()
            open_registry(self._made, create=True).close()
        return self.new_database(self._made.rpartition("/")[2])

    def new_database(self, template: str = "template1") -> str:
        """Make a database, and give its URL."""
        import psycopg  # noqa: PLC0415 - only those who ask for it need it

        name = f"registry_{next(self._numbers)}"
        server = f"postgresql://accredit:{self.password}@{LOOPBACK}:{self.port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return f"{server}/{name}"

    def bound_role(self, owner: str, role: str = "hub") -> str:
        """Make row-level security in a registry, for a role that owns nothing, and give its URL.

        A role belongs to the server, and may be bound in several databases.
        """
        with open_registry(owner) as registry, registry.transaction(is_writing=True) as connection:
            known = connection.scalars(text("SELECT rolname FROM pg_roles")).all()
            if role not in known:
                connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}'"))
            secure(connection, role)
        return owner.replace("accredit:", f"{role}:", 1)


def _demoted() -> list[str]:
    """What goes before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    return [which("setpriv") or "setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--"]
