"""What is hidden in told texts: secrets of the process and of the work at hand, and nothing of honest texts."""

from pathlib import Path

import pytest

from trueup.formats.redact import is_secret_name
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
