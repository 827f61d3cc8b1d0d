"""What a check tells."""

from trueup.offline.report import Problem, told_once


def problem(
    application: str, *, file: str = "base/a.yaml:1", object: str = "", field: str = "spec.x", message: str = "odd"
) -> Problem:
    return Problem(application=application, file=file, object=object, field=field, message=message)


def test_a_fault_of_a_base_is_told_once_and_names_every_overlay() -> None:
    (told,) = told_once(
        [problem("c/a", object="Service a/web"), problem("c/b", object="Service b/web"), problem("c/a")]
    )
    assert (told.application, told.others, told.object) == ("c/a", ("c/b",), "Service a/web")


def test_faults_of_other_fields_files_and_words_stay_apart() -> None:
    several = [problem("a"), problem("b", field="spec.y"), problem("c", file="b.yaml:1"), problem("d", message="even")]
    assert told_once(several) == several


def test_without_a_file_each_stands_for_itself() -> None:
    several = [problem("a", file=""), problem("b", file="")]
    assert told_once([*several, several[0]]) == several
