"""The server's certificate: the one that it is given, or one that it makes for itself."""

import ssl
import tempfile
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trueup.model.errors import TrueupError

NAMES = ("localhost", "argocd-server", "argocd-server.argocd", "argocd-server.argocd.svc")
_DAYS = 365


def self_made(now: datetime) -> tuple[bytes, bytes]:
    """A certificate that nobody has signed, and its key, as PEM: each start makes another one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trueup")])
    names = [*map(x509.DNSName, NAMES), x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(encoding), private


def context_of(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """What speaks TLS with this certificate.

    Raises:
        TrueupError: they are none, or not of each other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # What speaks gRPC offers h2 alone; who offers both is better off with HTTP/1.1 here.
    context.set_alpn_protocols(["http/1.1", "h2"])
    # The library reads files alone.
    with tempfile.TemporaryDirectory(prefix="trueup-tls-") as folder:
        path = Path(folder) / "pem"
        path.touch(mode=0o600)
        path.write_bytes(certificate.strip() + b"\n" + key)
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError) as error:
            raise TrueupError(
                "Secret argocd-server-tls holds no certificate with its key",
                hint="write both, as PEM, to tls.crt and tls.key",
            ) from error
    return context
