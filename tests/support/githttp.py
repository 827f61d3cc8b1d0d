"""Serves Git repositories over smart HTTP on the loopback interface, by git's own ``http-backend``."""

import base64
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit


class GitHttpServer:
    """A context manager that serves the bare repositories below a folder at ``url``.

    Attributes:
        requests: path and query of each request, in order.
        authorizations: the ``Authorization`` header of each request, empty where there was none.
        credentials: ``user:password`` demanded of every request; empty: anonymous.
        failing: answer 503 to everything.
        redirect: answer every request by a redirect to this base URL; empty: serve.
        moved: beginnings of paths that are redirected to others of this server.
        large: contents of Git LFS by their digests, asked for by its API.
        gate: while cleared, requests for packs wait.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.credentials = ""
        self.failing = False
        self.old = False
        self.redirect = ""
        self.moved: dict[str, str] = {}
        self.large: dict[str, bytes] = {}
        self.gate = threading.Event()
        self.gate.set()
        owner = self

        class Handler(_Handler):
            server_of_git = owner

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def batch(self, question: bytes) -> bytes:
        """What Git LFS is told about where contents are."""
        objects: list[dict[str, object]] = []
        for each in json.loads(question)["objects"]:
            if each["oid"] in self.large:
                objects.append({**each, "actions": {"download": {"href": f"{self.url}/large/{each['oid']}"}}})
            else:
                objects.append({**each, "error": {"code": 404, "message": "Object does not exist"}})
        return json.dumps({"transfer": "basic", "objects": objects}).encode()

    def listings(self) -> int:
        """How often refs or capabilities were asked for."""
        return sum("info/refs" in request for request in self.requests)

    def __enter__(self) -> "GitHttpServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients of these tests are killed in the middle of requests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_git: GitHttpServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a test reads ``requests``."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _serve(self, body: bytes) -> None:
        git = self.server_of_git
        authorization = self.headers.get("Authorization", "")
        git.requests.append(self.path)
        git.authorizations.append(authorization)
        expected = "Basic " + base64.b64encode(git.credentials.encode()).decode()
        if git.failing:
            self._answer(503, [], b"down")
        elif git.redirect:
            self._answer(302, [("Location", git.redirect + self.path)], b"")
        elif old := next((each for each in git.moved if self.path.startswith(each)), ""):
            self._answer(301, [("Location", self.path.replace(old, git.moved[old], 1))], b"")
        elif git.credentials and authorization != expected:
            self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._answer(200, [("Content-Type", "application/vnd.git-lfs+json")], git.batch(body))
        elif self.path.startswith("/large/"):
            self._answer(200, [], git.large[self.path.removeprefix("/large/")])
        else:
            if body:
                git.gate.wait(30)
            self._run_backend(body)

    def _run_backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server_of_git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": "" if self.server_of_git.old else self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self._answer(status, [(name, value) for name, value in headers if name != "Status"], content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        try:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
