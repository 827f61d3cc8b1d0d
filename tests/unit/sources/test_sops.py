"""Files that SOPS itself encrypted (3.11) are read as SOPS itself decrypts them, and what was changed is refused.

``tests/golden/sops`` has them beside what ``sops decrypt`` makes of them; its keys were made for this test.
"""

from pathlib import Path

import msgspec
import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.model.fields import Metadata
from trueup.model.project import Project
from trueup.model.seal import NO_KEYS, SopsKeys
from trueup.sources.sops.files import all_opened, opened
from trueup.sources.sops.metadata import read_metadata
from trueup.store.sops_secrets import SopsSecrets

FOLDER = Path(__file__).parents[2] / "golden" / "sops"
KEYS = SopsKeys(((FOLDER / "key.agekey").read_text(),), ((FOLDER / "key.asc").read_text(),), "Secret argocd/keys")
OTHER = SopsKeys((str(pyrage.x25519.Identity.generate()),), (), "Secret argocd/other")
YAML = ("secret.yaml", "two.yaml", "pgp.yaml")
ALL = (*YAML, "values.json", "settings.env", "settings.ini", "bytes.bin")


def encrypted(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def plain(name: str, keys: SopsKeys = KEYS, data: bytes | None = None) -> bytes:
    found = opened(name, encrypted(name) if data is None else data, keys)
    assert found is not None
    return found.content


@pytest.mark.parametrize("name", YAML)
def test_yaml_is_what_sops_decrypts(name: str) -> None:
    theirs, ours = (FOLDER / f"{name}.plain").read_bytes(), plain(name)
    assert [each.value for each in yaml.load_all(ours, name).documents] == [
        each.value for each in yaml.load_all(theirs, name).documents
    ]


def test_json_variables_settings_and_bytes_are_what_sops_decrypts() -> None:
    theirs = {name: (FOLDER / f"{name}.plain").read_bytes() for name in ALL}
    assert msgspec.json.decode(plain("values.json")) == msgspec.json.decode(theirs["values.json"])
    assert plain("bytes.bin") == theirs["bytes.bin"]
    lines = theirs["settings.env"].decode().splitlines()
    assert plain("settings.env").decode().splitlines() == [line for line in lines if line and not line.startswith("#")]
    settings = [line.replace(" ", "") for line in theirs["settings.ini"].decode().splitlines() if line]
    assert [line.replace(" ", "") for line in plain("settings.ini").decode().splitlines()] == settings


def test_what_was_encrypted_is_told_to_be_secret_and_the_rest_is_not() -> None:
    found = opened("secret.yaml", encrypted("secret.yaml"), KEYS)
    assert found is not None and {"s3cr3t words", "8080"} <= set(found.secrets)
    assert not {"v1", "Secret", "one"} & set(found.secrets)
    assert "s3cr3t" not in repr(found) and "AGE" not in repr(KEYS)


@pytest.mark.parametrize("name", ALL)
def test_another_key_opens_nothing_and_the_message_says_who_may(name: str) -> None:
    for keys in (OTHER, NO_KEYS, msgspec.structs.replace(OTHER, age=("no key",), pgp=("no key",))):
        with pytest.raises(
            RenderFailed, match=f"^{name}: no key opens it: it is encrypted for (age age1|pgp [0-9A-F])"
        ):
            opened(name, encrypted(name), keys)


CHANGED = {
    "a value that is not encrypted": (
        "secret.yaml",
        "kind: Secret",
        "kind: ConfigMap",
        "sops.mac: the file was changed",
    ),
    "a value in the place of another": ("two.yaml", "x: ", "z: ", "stringData.z cannot be decrypted"),
    "a value that is gone": ("settings.env", "MODE=", "#MODE=", "sops.mac: the file was changed"),
    "a value in plain text": ("settings.env", "EMPTY=", "EMPTY=x", "EMPTY is not encrypted"),
    "the time of the last change": ("values.json", '"lastmodified": "2', '"lastmodified": "3', "sops.mac cannot"),
    "no MAC": ("values.json", '"mac"', '"nomac"', "sops.mac or sops.lastmodified is missing"),
    "what is encrypted": ("secret.yaml", "^(data|stringData|list)$", "^nothing$", "sops.mac: the file was changed"),
}


@pytest.mark.parametrize(("name", "old", "new", "says"), CHANGED.values(), ids=CHANGED.keys())
def test_what_was_changed_is_refused(name: str, old: str, new: str, says: str) -> None:
    data = encrypted(name).decode()
    assert old in data
    with pytest.raises(RenderFailed, match=f"^{name}: {says}") as refused:
        opened(name, data.replace(old, new, 1).encode(), KEYS)
    assert "s3cr3t" not in str(refused.value) and refused.value.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"key_groups": [{}]}, "sops.key_groups"),
        ({"encrypted_comment_regex": "x"}, "sops.encrypted_comment_regex is not read"),
        ({"encrypted_regex": "("}, "sops.encrypted_regex: "),
        ({"mac": 1}, "sops.mac"),
    ],
)
def test_what_is_not_done_is_refused_by_its_field(change: dict[str, object], says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        read_metadata({"mac": "x", "lastmodified": "y", **change}, "f")
    with pytest.raises(RenderFailed, match="sops is no mapping"):
        read_metadata([], "f")


def test_a_key_service_is_named_and_not_asked() -> None:
    data = encrypted("values.json").replace(b'"age": [', b'"kms": [{"arn": "x"}], "none": [')
    with pytest.raises(RenderFailed, match="nobody who is known here; AWS KMS is not asked"):
        opened("values.json", data, KEYS)


@pytest.mark.parametrize(
    "data",
    [
        b"kind: ConfigMap\n",
        b"x: ENC[AES256_GCM,data:\n",
        b"# sops\nx: ENC[AES256_GCM,\n",
        b"sops ENC[AES256_GCM, {",
        b"",
    ],
)
def test_what_sops_did_not_write_is_left_as_it_is(data: bytes) -> None:
    for name in ("f.yaml", "f.json", "f.env", "f"):
        assert opened(name, data, KEYS) is None


@given(st.binary(max_size=300), st.sampled_from(ALL), st.integers(0, 2000))
def test_any_damage_is_refused_or_harmless(noise: bytes, name: str, at: int) -> None:
    data = encrypted(name)
    try:
        found = opened(name, data[:at] + noise + data[at + len(noise) :], KEYS)
    except RenderFailed as error:
        assert error.message.startswith(name)
    else:
        assert found is None or found.content


def test_all_that_cannot_be_opened_are_named() -> None:
    files = {name: encrypted(name) for name in ALL} | {"plain.yaml": b"kind: ConfigMap\n"}
    made, secrets = all_opened(files, KEYS)
    assert made.keys() == files.keys() and made["plain.yaml"] == files["plain.yaml"] and "s3cr3t words" in secrets
    with pytest.raises(RenderFailed) as refused:
        all_opened(files, OTHER)
    assert all(f"{name}: no key opens it" in refused.value.message for name in ALL)


def project(name: str, keys: str = "") -> Project:
    annotations = {"trueup.dev/sops-keys": keys} if keys else {}
    return Project(metadata=Metadata(name=name, annotations=annotations))


def test_a_project_has_the_keys_that_it_names_and_no_others() -> None:
    secrets = SopsSecrets("argocd")
    secrets.put("ours", {"a.agekey": KEYS.age[0], "b.asc": KEYS.pgp[0], "note": "x"})
    secrets.put("theirs", {"a.agekey": OTHER.age[0]})
    ours, theirs, both = (
        secrets.name_for(project(*each)) for each in (("a", "ours"), ("b", "theirs"), ("c", "ours, theirs"))
    )
    assert len({ours, theirs, both}) == 3
    assert secrets.keys(ours) == SopsKeys(KEYS.age, KEYS.pgp, "Secret argocd/ours (project a)")
    assert secrets.keys(theirs).age == OTHER.age
    assert secrets.keys(both).age == (*KEYS.age, *OTHER.age)
    # Another project that names the same has a name of its own: what it rendered is nobody else's.
    assert secrets.name_for(project("d", "ours")) != ours
    assert secrets.name_for(project("e")) == "" and secrets.keys("") == NO_KEYS
    lacking = secrets.keys(secrets.name_for(project("f", "gone")))
    assert lacking.age == () and lacking.source == "Secret argocd/gone (project f)"
    assert KEYS.age[0].splitlines()[1] in set(secrets.confidential())


def test_keys_that_change_have_another_name_and_those_of_before_are_gone() -> None:
    secrets = SopsSecrets("argocd")
    secrets.put("ours", {"a.agekey": KEYS.age[0]})
    before, version = secrets.name_for(project("a", "ours")), secrets.version
    secrets.put("others", None)
    assert secrets.version == version
    secrets.put("ours", {"a.agekey": OTHER.age[0]})
    assert secrets.version > version and secrets.keys(before) == NO_KEYS
    assert secrets.name_for(project("a", "ours")) != before
