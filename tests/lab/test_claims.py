"""Claims of an experiment file: read strictly, and checked against the leaderboard."""

import math

import pytest

from minnet.errors import InputError
from minnet.lab import resolve
from minnet.lab.claims import parse_claims
from minnet.lab.experiment import Experiment

LABELS = ["sgd", "adam", "0.5, constant"]


def claim(left="adam.rank", relation="=", right=1, **more):
    return {"text": "It is so.", "left": left, "is": relation, "right": right, **more}


def holds(table, **rows):
    [parsed] = parse_claims([table], LABELS)
    return parsed.holds([{"optimizer": name, **row} for name, row in rows.items()])


def test_numbers_and_columns_are_compared():
    assert holds(claim(), adam={"rank": 1})
    assert not holds(claim(), adam={"rank": 2})
    times = claim("adam.epochs_to_target", "<", "sgd.epochs_to_target")
    assert holds(times, adam={"epochs_to_target": 3.0}, sgd={"epochs_to_target": 4.0})
    assert not holds(times, adam={"epochs_to_target": 4.0}, sgd={"epochs_to_target": 4.0})
    assert holds({**times, "is": "<="}, adam={"epochs_to_target": 4.0}, sgd={"epochs_to_target": 4.0})


def test_a_target_that_was_missed_is_infinitely_far_and_other_missing_numbers_refute():
    times = claim("adam.epochs_to_target", "<", "sgd.epochs_to_target")
    assert holds(times, adam={"epochs_to_target": 3.0}, sgd={"epochs_to_target": None})
    assert not holds(times, adam={"epochs_to_target": None}, sgd={"epochs_to_target": None})
    assert not holds(claim("adam.tunability", ">", 0), adam={"tunability": None})
    assert not holds(claim("adam.tunability", "<", 9), adam={"tunability": None})
    assert not holds(times, adam={"epochs_to_target": 3.0}), "a method that is not there has reached nothing"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (claim(left="adm.rank"), "unknown method of the claim 'It is so.': 'adm': did you mean 'adam'"),
        (claim(left="adam.rnak"), "unknown column of the claim 'It is so.': 'rnak': did you mean 'rank'"),
        (claim(right="adam.hyperparameters"), "unknown column"),
        (claim(relation="=="), "unknown relation of the claim 'It is so.': '=='"),
        (claim(relation=1), "must be one of <, <=, =, >=, >, not 1"),
        (claim(right=True), "compares numbers and columns as 'adam.rank', not True"),
        (claim(right=math.nan), "compares numbers and columns"),
        (claim(right="1"), "compares numbers and columns as 'adam.rank', not '1'"),
        (claim(margin=0.1), "unknown key of a claim 'margin'"),
        ({"text": "x", "left": 1, "is": "<"}, "right is missing"),
        (claim(text=" "), "must be a sentence"),
        ("adam wins", r"must be a table, headed \[\[claim\]\]"),
    ],
)
def test_a_wrong_claim_is_one_line(table, message):
    if isinstance(table, dict) and "text" in table:
        table = {**table}
    with pytest.raises(InputError, match=message) as caught:
        parse_claims([table], LABELS)
    assert "\n" not in str(caught.value)


def test_claims_travel_with_the_experiment_but_are_no_part_of_what_is_trained():
    plain = {"optimizers": "sgd,adam", "trials": 2}
    told = Experiment.from_dict({**plain, "claim": [claim()], "see": "Adam wins.", "order": 3})
    assert told.digest() == Experiment.from_dict(plain).digest()
    assert Experiment.from_dict(told.to_dict()) == told
    assert [each.text for each in told.claims] == ["It is so."]


def test_claims_are_about_the_file_as_it_stands():
    content = {"optimizers": "sgd,adam", "claim": [claim()]}
    assert resolve(content).claims
    assert not resolve(content, optimizers="sgd").claims
    with pytest.raises(InputError, match="claim must be a list of tables"):
        resolve({**content, "claim": claim()})
