import pytest
from pydantic import BaseModel, ValidationError, field_validator

from pipeline.runtime import yaml_files


def test_yes_and_no_are_words_as_in_yaml_1_2(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: yes\nb: no\nc: 010\nd: true\n")
    assert yaml_files.load_yaml(path) == {"a": "yes", "b": "no", "c": 10, "d": True}


class Inner(BaseModel):
    model_config = {"strict": True}

    size: int


class Outer(BaseModel):
    model_config = {"extra": "forbid", "strict": True}

    inner: Inner
    name: str = ""
    sides: tuple[int, ...] = ()

    @field_validator("name")
    @classmethod
    def _short(cls, value):
        if len(value) > 3:
            raise ValueError("Must be short")
        return value


@pytest.mark.parametrize(
    ("content", "place", "sentence"),
    [
        ({}, ("inner",), "inner is missing: add it"),
        ({"inner": {"size": 1}, "nam": 1}, ("nam",), "nam is not a known name: remove it or fix its spelling"),
        ({"inner": {"size": "1"}}, ("inner", "size"), "inner.size is '1': must be a whole number"),
        ({"inner": {"size": 1}, "name": "long"}, ("name",), "name is 'long': must be short"),
        ({"inner": {"size": 1}, "name": 1}, ("name",), "name is 1: must be text"),
        ({"inner": 1}, ("inner",), "inner is 1: must be a mapping of names to values"),
        ({"inner": {"size": 1}, "sides": (1, "2")}, ("sides", 1), "sides.1 is '2': must be a whole number"),
    ],
)
def test_every_problem_is_a_sentence_at_its_place(content, place, sentence):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(content)
    assert yaml_files.problems(caught.value) == [(place, sentence)]
    assert yaml_files.describe(caught.value) == sentence
