"""Certificates of an authority that nobody but these tests trusts."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import trustme


@cache
def authority() -> trustme.CA:
    """Return the authority; making one takes a while."""
    return trustme.CA()


@cache
def server_context(*hosts: str) -> ssl.SSLContext:
    """Return the TLS settings of a server with a certificate for *hosts*, or for this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*(hosts or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


@cache
def trusting_context() -> ssl.SSLContext:
    """Return the TLS settings of a client that trusts the authority."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def write_authority(folder: Path) -> Path:
    """Write the authority's certificate into a file."""
    path = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    return path
