"""What is hidden in told texts: secrets of the process and of the work at hand, and nothing of honest texts."""

from pathlib import Path

import pytest

from kubegrammar.named_secrets import is_secret_name
from trueup.runtime import secrecy


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "DB_PASSWORD_FILE", "TOKEN_PATH", "SECRET_DIR"])
def test_variables_that_name_places_are_no_secrets(name: str) -> None:
    assert not is_secret_name(name)
    assert list(secrecy.of_environment({name: "/srv/estate-4/repositories"})) == []


@pytest.mark.parametrize("value", ["", "short-1", "production", "Production", "123456789012", str(Path.cwd()), "/tmp"])
def test_paths_words_and_numbers_are_no_secrets_of_the_environment(value: str) -> None:
    assert list(secrecy.of_environment({"API_TOKEN": value, "PGPASSWORD": value})) == []


@pytest.mark.parametrize("value", ["hunter22", "glowing-otter", "12345678901234", "correcthorsebatterystaple"])
def test_other_values_under_names_of_secrets_are(value: str) -> None:
    names = {"API_TOKEN": value, "PGPASSWORD": value, "db_pwd": value, "HOME": value}
    assert list(secrecy.of_environment(names)) == [value] * 3


def test_a_file_that_is_not_there_may_be_a_password(tmp_path: Path) -> None:
    assert list(secrecy.of_environment({"API_TOKEN": str(tmp_path / "none")})) == [str(tmp_path / "none")]


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> secrecy.Keeper:
    """What the process knows of secrets that are not this work's."""
    keeper = secrecy.Keeper()
    keeper.learn("repositories", lambda: ["summer2024", "a-key-of-more-than-sixteen-letters"])
    monkeypatch.setattr(secrecy, "EVERYWHERE", keeper)
    return keeper


GUESSES = "winter2023/spring2024/summer2024/autumn2024/ore-than-sixteen-let: app path does not exist"


@pytest.mark.usefixtures("others")
def test_a_guess_at_the_secret_of_another_is_told_back_as_it_was_written() -> None:
    with secrecy.keeping():
        assert secrecy.told(GUESSES) == GUESSES
    assert secrecy.told(GUESSES) == GUESSES
    assert secrecy.logged(GUESSES) == "winter2023/spring2024/******/autumn2024/******: app path does not exist"


@pytest.mark.parametrize("spelt", ["summer2024", "SUMMER2024", "summ%65r2024", "apps/summer2024x"])
def test_a_guess_at_a_secret_of_the_work_is_told_back_as_it_was_written(spelt: str) -> None:
    with secrecy.keeping() as keeper:
        keeper.learn("live", lambda: ["summer2024", "meadow-river-9"])
        keeper.wrote("application", lambda: [spelt])
        assert secrecy.told("apps/summer2024 is not there") == "apps/summer2024 is not there"
        assert secrecy.told('Invalid value: "meadow-river-9"') == 'Invalid value: "******"'
        assert secrecy.logged("apps/summer2024") == "apps/******"


def test_a_secret_that_the_author_marked_as_one_is_hidden_though_he_wrote_it() -> None:
    with secrecy.keeping() as keeper:
        keeper.learn("declared", lambda: ["meadow-river-9"])
        keeper.wrote("application", lambda: ["auth: {password: meadow-river-9}"], lambda: ["meadow-river-9"])
        assert secrecy.told("it says meadow-river-9") == "it says ******"


def test_a_name_that_holds_a_secret_is_told() -> None:
    with secrecy.keeping() as keeper:
        keeper.learn("live", lambda: ["summer2024"], lambda: ["x-summer2024-y"])
        assert secrecy.told("ConfigMap x-summer2024-y is gone") == "ConfigMap x-summer2024-y is gone"
