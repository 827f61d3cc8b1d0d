"""Client certificates of credential plug-ins: shown to the server, rotated, and what is none is refused."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pocketkube.cluster.certificates import ensure_certificates
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import ConfigError
from trueup.kube.plainwire import PlainWire
from trueup.kube.plugin import ExecPlugin
from trueup.kube.transport import MakeWire, Transport, pooled
from trueup.runtime.clock import SystemClock

V1 = "client.authentication.k8s.io/v1"
PLUGIN = ExecPlugin(place="config: user", command="get-certificate", api_version=V1)
LATE, LONG_AGO = "2999-01-01T00:00:00Z", "2000-01-01T00:00:00Z"


def pair(name: str, *, locked: bool = False) -> dict[str, str]:
    """A certificate that signs itself, and its key, as a plug-in prints them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SystemClock().now() - timedelta(hours=1))
        .not_valid_after(SystemClock().now() + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(b"secret") if locked else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    public = made.public_bytes(serialization.Encoding.PEM)
    return {"clientCertificateData": public.decode(), "clientKeyData": private.decode()}


def printed(**status: str) -> bytes:
    return json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": status}).encode()


class Program:
    """A plug-in that prints these, one after the other, the last again and again."""

    def __init__(self, *outputs: dict[str, str]) -> None:
        self.runs = 0
        self._outputs = outputs

    async def __call__(self, plugin: ExecPlugin) -> bytes:
        self.runs += 1
        return printed(**self._outputs[min(self.runs, len(self._outputs)) - 1])


@asynccontextmanager
async def server(folder: Path, *pairs: dict[str, str], refused: str = "") -> AsyncIterator[ClusterConfig]:
    """Says whose certificate it was shown and what was in the Authorization header; 401 to ``refused``."""
    ensure_certificates(folder, SystemClock().now())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata="".join(each["clientCertificateData"] for each in pairs))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("peercert")["subject"][0][0][1]
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                said = [line for line in head.decode().split("\r\n") if line.lower().startswith("authorization:")]
                body = json.dumps([shown, *said]).encode()
                status = "401 Unauthorized" if shown == refused else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        port = listening.sockets[0].getsockname()[1]
        ca = (folder / "ca.crt").read_bytes()
        yield ClusterConfig(server=f"https://127.0.0.1:{port}", ca_data=ca, plugin=PLUGIN)
    finally:
        listening.close()


async def seen(transport: Transport) -> Any:
    return json.loads(await transport.request("GET", "/version", attempts=1))


WIRES = pytest.mark.parametrize("wire", [pytest.param(pooled, id="engine"), pytest.param(PlainWire, id="command")])


@WIRES
async def test_the_server_is_shown_it_and_the_next_one_once_it_expires(tmp_path: Path, wire: MakeWire) -> None:
    first, second = pair("first"), pair("second")
    program = Program({**first, "expirationTimestamp": LONG_AGO}, {**second, "expirationTimestamp": LATE})
    async with server(tmp_path, first, second) as config, Transport(config, plugins=program, wire=wire) as transport:
        assert [await seen(transport) for _ in range(3)] == [["first"], ["second"], ["second"]]
    assert program.runs == 2


@WIRES
async def test_one_that_the_server_refuses_is_asked_for_anew(tmp_path: Path, wire: MakeWire) -> None:
    first, second = pair("first"), pair("second")
    async with (
        server(tmp_path, first, second, refused="first") as config,
        Transport(config, plugins=Program(first, second), wire=wire) as transport,
    ):
        assert await seen(transport) == ["second"]


async def test_a_token_goes_along_with_it(tmp_path: Path) -> None:
    first = pair("first")
    async with (
        server(tmp_path, first) as config,
        Transport(config, plugins=Program({**first, "token": "t"})) as transport,
    ):
        assert await seen(transport) == ["first", "Authorization: Bearer t"]


async def test_one_that_cannot_be_used_leaves_the_last_in_place(tmp_path: Path) -> None:
    first, second = pair("first"), pair("second")
    mixed = {**second, "clientKeyData": first["clientKeyData"]}
    program = Program({**first, "expirationTimestamp": LONG_AGO}, mixed, {**first, "expirationTimestamp": LATE})
    async with server(tmp_path, first, second) as config, Transport(config, plugins=program) as transport:
        assert await seen(transport) == ["first"]
        with pytest.raises(ConfigError, match="private key does not match certificate"):
            await seen(transport)
        assert await seen(transport) == ["first"]


FAULTY = {
    "a key that is locked asks nobody": (pair("x", locked=True), "cannot be read"),
    "no PEM": ({"clientCertificateData": "aGVsbG8=", "clientKeyData": "aGVsbG8="}, "cannot be read"),
    "a certificate alone": ({"clientCertificateData": "s3cr3t"}, "needs its key"),
    "a key alone": ({"clientKeyData": "s3cr3t"}, "needs its key"),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_what_is_no_certificate_names_the_program_and_quotes_nothing(tmp_path: Path, fault: str) -> None:
    said, problem = FAULTY[fault]
    async with server(tmp_path, pair("other")) as config, Transport(config, plugins=Program(said)) as transport:
        with pytest.raises(ConfigError) as caught:
            await seen(transport)
    assert "config: user" in caught.value.message and "get-certificate" in caught.value.message
    assert problem in caught.value.message
    assert not any(text in caught.value.message for text in said.values())
