# SPDX-License-Identifier: MIT
"""A private CA for a mock cloud: certificates of nodes, as claiming would leave them in a board, and of the cloud."""

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.clouds.tls import server_context
from simulator.errors import UserError

_SINCE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # whatever time it is in a simulation
_UNTIL = datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC)
_CA_FILE = "ca.pem"
_ALPN = "x-amzn-mqtt-ca"  # how a node says MQTT on port 443 (rainmaker.md section 1)


@dataclass(frozen=True)
class NodeCertificate:
    """What a node has: `cert` and `key` are PEM, `der` is the certificate again, as the cloud gets to see it."""

    cert: bytes
    key: bytes
    der: bytes


def common_name(pem: bytes) -> str:
    """Whom a certificate is for: the node id, if it is a node's. Raises UserError("bad_certificate")."""
    try:
        names = x509.load_pem_x509_certificate(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value)
    except (ValueError, IndexError):
        raise UserError("bad_certificate", "this is no certificate that says whom it is for") from None


class Authority:
    """`pem` is the CA's certificate: what nodes trust, and what the cloud's TLS lets in."""

    def __init__(self, ca: trustme.CA | None = None) -> None:
        self._ca = ca or trustme.CA()
        self.pem = self._ca.cert_pem.bytes()

    @classmethod
    def kept(cls, folder: Path) -> "Authority":
        """The CA in this folder; one is made and kept there, with its key, if there is none. UserError("bad_ca")."""
        file = folder / _CA_FILE
        try:
            if file.exists():
                pem = file.read_bytes()
                return cls(trustme.CA.from_pem(pem, pem))
            made = cls()
            folder.mkdir(parents=True, exist_ok=True)
            file.touch(0o600)
            file.write_bytes(made.pem + made._ca.private_key_pem.bytes())
            return made
        except (OSError, ValueError) as error:
            raise UserError("bad_ca", f"cannot use the CA in {file}: {error}") from error

    def node(self, node_id: str, **dates: datetime.datetime) -> NodeCertificate:
        """A certificate with this CN and its key; `dates` are `not_before` and `not_after`."""
        dates = {"not_before": _SINCE, "not_after": _UNTIL, **dates}
        issued = self._ca.issue_cert("node.test", common_name=node_id, **dates)
        cert = issued.cert_chain_pems[0].bytes()
        return NodeCertificate(cert, issued.private_key_pem.bytes(), ssl.PEM_cert_to_DER_cert(cert.decode()))

    def chain(self, *names: str) -> tuple[bytes, ...]:
        """What the cloud shows at these names in a virtual network (simulator/board/net.py): DER, leaf first."""
        issued = self._ca.issue_cert(*names, not_before=_SINCE, not_after=_UNTIL)
        return tuple(ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in issued.cert_chain_pems)

    def pems(self, *names: str) -> tuple[bytes, bytes]:
        """The same for DTLS on a real network (simulator/clouds/dtls.py): chain and key, PEM."""
        issued = self._ca.issue_cert(*names, not_before=_SINCE, not_after=_UNTIL)
        return b"".join(pem.bytes() for pem in issued.cert_chain_pems), issued.private_key_pem.bytes()

    def mqtt(self, *names: str) -> ssl.SSLContext:
        """For the MQTT door, at these host names or addresses: nobody gets in without a certificate of this CA."""
        context = self.https(*names)
        self._ca.configure_trust(context)
        context.set_alpn_protocols([_ALPN])
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def https(self, *names: str) -> ssl.SSLContext:
        """For the image store's door."""
        context = server_context()
        self._ca.issue_cert(*names, not_before=_SINCE, not_after=_UNTIL).configure_cert(context)
        return context
