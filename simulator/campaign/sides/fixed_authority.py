# SPDX-License-Identifier: MIT
"""A CA whose certificates are the same to the byte whenever they are made, so that boards with them are too.

Keys come from names, so they are no secrets: for virtual boards only.
"""

import datetime
import hashlib
import ssl

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.clouds.rainmaker.pki import Authority, NodeCertificate

_SINCE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_UNTIL = datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC)
_CA = "campaign CA"


class FixedAuthority(Authority):
    """See Authority; what it issues lives as long as itself."""

    def __init__(self) -> None:
        ca = _issue(_CA, _CA, x509.BasicConstraints(True, None))
        super().__init__(trustme.CA.from_pem(_pem(ca), _key_pem(_CA)))

    def node(self, node_id: str, **dates: datetime.datetime) -> NodeCertificate:
        """The dates are always the same: there are none to be given."""
        cert = _pem(_issue(node_id, _CA, x509.BasicConstraints(False, None)))
        return NodeCertificate(cert, _key_pem(node_id), ssl.PEM_cert_to_DER_cert(cert.decode()))

    def chain(self, *names: str) -> tuple[bytes, ...]:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        return (_issue(names[0], _CA, alternatives).public_bytes(serialization.Encoding.DER),)


def _issue(subject: str, issuer: str, extension: x509.ExtensionType) -> x509.Certificate:
    builder = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
        _key(subject).public_key(),
        int.from_bytes(_digest(subject)[:8], "big") | 1,
        _SINCE,
        _UNTIL,
    )
    signed = builder.add_extension(extension, critical=False)
    return signed.sign(_key(issuer), hashes.SHA256(), ecdsa_deterministic=True)


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_digest(f"key of {name}"), "big") >> 1, ec.SECP256R1())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(name: str) -> bytes:
    plain = serialization.NoEncryption()
    return _key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
