"""A certificate for servers of this machine, of an authority made on the spot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from attrs import frozen


@frozen
class Certificate:
    """Files in PEM: the key and certificates of a server, and the authority that clients have to trust."""

    server: Path
    authority: Path


@contextmanager
def certified() -> Iterator[Certificate]:
    """Write a certificate, and let the processes that are started in the block trust its authority."""
    with TemporaryDirectory() as folder:
        made = Certificate(Path(folder, "server.pem"), Path(folder, "authority.pem"))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(made.authority))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(made.server))
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(made.authority)
        try:
            yield made
        finally:
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before
