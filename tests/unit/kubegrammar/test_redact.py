"""Which texts hold a credential, told by its shape, and which do not."""

import time

import pytest

from kubegrammar.named_secrets import is_secret_name, names_secret
from kubegrammar.redact import redact, redact_data, redact_url

MASKED = {
    "a password": ("https://ada:hunter2@git.example/x", "https://ada:******@git.example/x"),
    "in a sentence": ("fetch 'https://ada:pw@h/r': no", "fetch 'https://ada:******@h/r': no"),
    "a user who owns it": ("https://org@h.example/org/r", "https://org@h.example/org/r"),
    "a token alone, and its owner": ("https://tok1@h.example/tok/r", "https://******@h.example/tok/r"),
    "a token alone": ("https://tok@h/r", "https://******@h/r"),
    "a token as user": ("https://ghp_16C7e42F292c69:x@h/r", "https://******@h/r"),
    "a slash in it": ("https://u:p/w@h.io/r", "https://u:******@h.io/r"),
    "an at sign in it": ("https://u:p@w@h/r", "https://u:******@h/r"),
    "both in it": ("unable to access 'https://u:p@w/x@h/r/': The", "unable to access 'https://u:******@h/r/': The"),
    "a colon in it": ("https://u:p:w@h/r", "https://u:******@h/r"),
    "a question mark and a hash in it": ("https://u:p?a#b@h/r", "https://u:******@h/r"),
    "a scheme in it": ("https://u:a://b@h/r", "https://u:******@h/r"),
    "a backslash and quotes in it": ("https://u:p\"w\\'x@h/r", "https://u:******@h/r"),
    "percents in it": ("https://u:p%40w%2f@h/r", "https://u:******@h/r"),
    "figures alone": ("https://u:1234@h/r", "https://u:******@h/r"),
    "figures and a slash": ("https://u:12/ab@host.example/r", "https://u:******@host.example/r"),
    "a token with a slash": ("https://tok/en@host.example/r", "https://******@host.example/r"),
    "an address of figures": ("http://u:p@[::1]:80/r", "http://u:******@[::1]:80/r"),
    "a port behind it": ("http://u:p@h:8080", "http://u:******@h:8080"),
    "ssh with a password": ("ssh://git:pw@h/r", "ssh://git:******@h/r"),
    "two in a row": ("https://a:b@c/d,https://e:f@g/h", "https://a:******@g/h"),
    "behind one without": ("https://a/b,https://u:p@c/d", "https://a/b,https://u:******@c/d"),
    "cut in the middle": ("https://u:passw", "https://u:******"),
    "nothing behind it": ("https://u:pw@", "https://u:******@"),
    "scp with a password": ("clone u:pw@h:o/r failed", "clone u:******@h:o/r failed"),
    "a data source's name": ("dial root:pw@tcp(db:3306)/x", "dial root:******@tcp(db:3306)/x"),
    "before the scheme": ("mirror u:p@w@https://h/r", "mirror u:******@https://h/r"),
    "a token before the scheme": ("tok@https://h/r", "******@https://h/r"),
    "a query": ("https://h/r?token=abc&x=1;y=2", "https://h/r?token=******&x=******&y=******"),
    "a bare query": ("https://h/r?abcdef", "https://h/r?******"),
    "a fragment": ("https://h/r#access_token=abc", "https://h/r#******"),
    "a signed address": (
        "GET https://s3.example/o?X-Amz-Signature=ab&X-Amz-Date=1: 403",
        "GET https://s3.example/o?X-Amz-Signature=******&X-Amz-Date=******: 403",
    ),
    "a bearer token": ("Bearer a1b2c3d4e5", "Bearer ******"),
    "a header": ("Authorization: Basic QUJDOkRFRg==", "Authorization: Basic ******"),
    "a header in JSON": ('{"Authorization":"token abc"}', '{"Authorization":"token ******"}'),
    "a web token": ("got eyJhbGciOiJI.eyJzdWIi.abc_def here", "got ****** here"),
    "a forge's token": ("remote: glpat-aaaaaaaaaaaaaaaaaaaa", "remote: ******"),
    "a private key": (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nab==\n-----END RSA PRIVATE KEY----- x",
        "-----BEGIN RSA PRIVATE KEY-----****** x",
    ),
    "half a private key": ("-----BEGIN OPENSSH PRIVATE KEY-----\\nMIIE", "-----BEGIN OPENSSH PRIVATE KEY-----******"),
    "a private key in base64": ("key LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t x", "key ****** x"),
    "a setting": ("--set db.password=hunter2 failed", "--set db.password=****** failed"),
    "a variable": ("POSTGRES_PASSWORD=abc", "POSTGRES_PASSWORD=******"),
    "a line of YAML": ('line 3: dbPassword: "my secret words", x', 'line 3: dbPassword: "******", x'),
    "a line's end": ("3: password: hunter2\n4: x", "3: password: ******\n4: x"),
    "a name within a name": ("auth: {password: hunter2, a: b}", "auth: {password: ******, a: b}"),
    "a name as a value": ("auth: password: hunter2", "auth: password: ******"),
    "docker's configuration": ('{"auths":{"r":{"auth":"QUJD"}}}', '{"auths":{"r":{"auth":"******"}}}'),
    "JSON in JSON": ('{\\"password\\":\\"a b\\"}', '{\\"password\\":\\"******\\"}'),
    "a field that is refused": (
        'spec.password: Invalid value: "abc": short',
        'spec.password: Invalid value: "******": short',
    ),
    "half a letter": ("https://u:\udcffpw@h/r", "https://u:******@h/r"),
}

HONEST = (
    "https://git.example/o/r.git",
    "https://github.com/o/r.git?ref=v1.2.3",
    "see https://h.example/a.b, (https://h/r) and https://h/r.",
    "http://localhost:8080/@scope/package",
    "https://registry.example:5000/v2/a/b/manifests/1.0",
    "https://h.example/users/ada@h.example",
    'Get "https://10.0.0.1:6443/api/v1/pods?timeout=32s": dial tcp: refused',
    "ssh://git@h/o/r",
    "git@h.example:o/r.git",
    "mailto:ada@h.example",
    "registry.example:5000/a/b:1.2@sha256:0123456789abcdef",
    "Deployment apps/web: image nginx:1.25 not found",
    "password: must not be empty",
    "spec.password: Required value",
    "secret: not found",
    'Secret "db-password" not found',
    "token: expired",
    "error: secret: NotFound",
    "secretName: db-1",
    "existingSecret: db-1",
    "automountServiceAccountToken: true",
    "argocd.argoproj.io/secret-type=cluster",
    "basic authentication is not supported",
    "bearer authentication",
    "password: ${DB_PASSWORD} is not set",
    "92a0a7ab3c4d5e6f708192a3b4c5d6e7f8091a2b",
    "ConfigMap default/keys is forbidden",
    "Łódź: 大きい ✓",
)


@pytest.mark.parametrize("name", MASKED)
def test_a_credential_is_masked(name: str) -> None:
    text, expected = MASKED[name]
    assert redact(text) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p w@h/r", "https://u:******@h/r"),
        ("https://u:p\nw\x1b@h/r", "https://u:******@h/r"),
        ("ssh://git@h/r", "ssh://git@h/r"),
        ("git@h:o/r", "git@h:o/r"),
        ("u:p w@h:o/r", "u:******@h:o/r"),
        ("https://h/r", "https://h/r"),
    ],
)
def test_a_url_of_its_own_is_masked_up_to_its_host(url: str, expected: str) -> None:
    assert redact_url(url) == expected


def test_data_is_masked_in_texts_under_names_and_in_pairs() -> None:
    data = {
        "repoURL": "https://u:p@h/r",
        "helm": {"parameters": [{"name": "db.password", "value": "a"}, {"name": "port", "value": "80"}]},
        "valuesObject": {"auth": {"password": "x", "existingSecret": "db"}, "token": "", "apiKey": 5},
        "env": [{"name": "DB_TOKEN", "value": "${FROM}"}],
    }
    assert redact_data(data) == {
        "repoURL": "https://u:******@h/r",
        "helm": {"parameters": [{"name": "db.password", "value": "******"}, {"name": "port", "value": "80"}]},
        "valuesObject": {"auth": {"password": "******", "existingSecret": "db"}, "token": "", "apiKey": "******"},
        "env": [{"name": "DB_TOKEN", "value": "${FROM}"}],
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("a.b.api-key", True),
        ("secretName", False),
        ("existingSecret", False),
        ("token", True),
        ("keys", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert names_secret(f"spec.containers[name=web].env[name={name}].value") is secret
    assert names_secret(f'spec.values["{name}"]') is secret


@pytest.mark.parametrize(
    "unit",
    [
        "a://",
        "a://@",
        "://",
        "password: ",
        "a:b@c:",
        "@",
        "-----BEGIN PRIVATE KEY-----",
        "a://?#",
        'password=\\"',
        '="',
        "sig=' ",
        " a:@",
        "bearer ",
        "https://u:p@h/r ",
    ],
)
def test_the_time_grows_with_the_text_alone(unit: str) -> None:
    def took(size: int) -> float:
        text, began = unit * (size // len(unit)), time.process_time()
        redact(text)
        return time.process_time() - began

    assert took(40_000) < 40 * max(took(4_000), 0.01)
