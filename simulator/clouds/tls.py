# SPDX-License-Identifier: MIT
"""TLS for a mock cloud: with certificates from files, or with a certificate of a CA that nobody will need tomorrow."""

import ssl

import trustme

from simulator.errors import UserError

_NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's ssl has no name for


def from_files(cert: str, key: str | None) -> ssl.SSLContext:
    """Shows `cert` (PEM, with its chain; `key` may be in the same file). UserError("bad_certificate")."""
    context = server_context()
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:  # ssl's own errors are some of these
        raise UserError("bad_certificate", f"cannot use certificate {cert}: {error.strerror}") from error
    return context


def throw_away(*names: str) -> tuple[ssl.SSLContext, bytes]:
    """A context for these host names or addresses, and the certificate in PEM of the new CA behind it."""
    authority = trustme.CA()
    context = server_context()
    authority.issue_cert(*names).configure_cert(context)
    return context, authority.cert_pem.bytes()


def ask_for_certificate(context: ssl.SSLContext, client_ca: str) -> None:
    """Clients may show a certificate that is in this PEM file, or signed by one that is. UserError("bad_certificate").

    Whether it is of today is for the cloud to say: its answer is a refused login, not a broken handshake.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    try:
        context.load_verify_locations(client_ca)
    except OSError as error:
        raise UserError("bad_certificate", f"cannot use client CA {client_ca}: {error.strerror}") from error


def server_context() -> ssl.SSLContext:
    """TLS 1.2 at least, without a certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
