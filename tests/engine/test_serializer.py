"""What the workflow tables hold is JSON, and pickle is not obeyed."""

from __future__ import annotations

import base64
import os
import pickle
from typing import Any

import pytest
from dbos._serialization import deserialize_value, serialize_value_as

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.engine.serializer import JsonSerializer, forbid_pickle

S = JsonSerializer()


@pytest.mark.parametrize("value", [None, 1, "x", [1, "ü"], {"a": [None, 1.5, True]}, {"error": "no error"}])
def test_json_comes_back(value: Any):
    assert S.deserialize(S.serialize(value)) == value


@pytest.mark.parametrize("value", [b"x", object(), {1: 2}, float("nan"), {"a": {1, 2}}, Refused])
def test_what_is_not_json_is_refused_without_its_value(value: Any):
    with pytest.raises(TypeError) as caught:
        S.serialize(value)
    assert repr(value) not in str(caught.value)


@pytest.mark.parametrize("kind", [Hold, Refused, Transient])
def test_our_errors_come_back_as_themselves(kind: type[ReplankError]):
    given = kind("RP811", "what", "why", "todo", where="where")
    back = S.deserialize(S.serialize(given))
    assert type(back) is kind
    assert str(back) == str(given)


def test_of_other_errors_only_the_type_is_kept():
    text = S.serialize(KeyError("password=hunter2"))
    assert "hunter2" not in text
    assert "KeyError" in str(S.deserialize(text))


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("/nonexistent/replank-was-here",)


def test_a_pickle_in_the_database_is_not_loaded():
    forbid_pickle()
    row = base64.b64encode(pickle.dumps(Bomb())).decode()
    with pytest.raises(TypeError, match="pickled"):
        deserialize_value(row, "py_pickle", S)
    with pytest.raises(TypeError, match="pickled"):
        serialize_value_as("x", "py_pickle", S)
