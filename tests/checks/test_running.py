"""A probe brings back what happened, whatever the code under it does."""

import numpy as np
import pytest
import torch

from autograder.probes import Given, probe
from autograder.running import run_probe, without_magics


@probe("f")
def calls_f(s, x):
    return {"y": s.f(x)}


def ask(f, x=None):
    return run_probe(calls_f, {"f": f}, {"x": np.arange(3.0) if x is None else x})


def test_values_come_back_as_arrays():
    assert ask(lambda x: [1, 2]).arrays["y"].tolist() == [1, 2]


def test_tensors_come_off_their_graph_also_from_a_tuple():
    z = torch.tensor([[1.0, 4.0], [3.0, 2.0]], requires_grad=True)
    assert ask(lambda x: 2 * z).arrays["y"].tolist() == [[2, 8], [6, 4]]
    assert ask(lambda x: z.max(dim=1)).arrays["y"].tolist() == [[4, 3], [1, 0]]


def test_a_stub_is_not_attempted_and_no_error():
    def stub(x):
        raise NotImplementedError

    assert ask(stub).status == "not attempted"


def test_a_missing_function_is_not_attempted():
    assert run_probe(calls_f, {}, {"x": np.ones(2)}).status == "not attempted"


def test_an_error_is_told_with_its_type_and_the_students_own_line():
    names = {}
    exec(compile("def f(x):\n    return x / unknown", "<cell 3>", "exec"), names)
    outcome = run_probe(calls_f, names, {"x": np.ones(2)})
    assert outcome.status == "raised"
    assert outcome.error == "NameError: name 'unknown' is not defined"
    assert outcome.line.startswith("line 2, in f")


def test_what_ends_a_program_or_a_test_is_an_error_like_any_other():
    def fails(x):
        pytest.fail("no good")

    def expects_an_error(x):
        with pytest.raises(ValueError):
            x + 1

    assert ask(fails).error == "Failed: no good"
    assert ask(expects_an_error).error.startswith("Failed: DID NOT RAISE")
    assert ask(lambda x: exit(3)).status == "raised"


def test_who_interrupts_a_check_stops_it():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(interrupted)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "return"),
        ("text", "str"),
        ([[1], [1, 2]], "different shapes"),
        (object(), "object"),
        (torch.ones(2, device="meta"), "on the device meta"),
    ],
)
def test_what_is_no_array_is_refused_in_words(value, words):
    outcome = ask(lambda x: value)
    assert outcome.status == "refused"
    assert words in outcome.error


def test_a_forgotten_return_is_told_where_a_pair_was_expected():
    @probe("f")
    def unpacks(s, x):
        y, _ = s.f(x)
        return {"y": y}

    assert run_probe(unpacks, {"f": lambda x: None}, {"x": np.ones(2)}).error.endswith(
        "is a `return` missing?"
    )


def test_an_input_changed_in_place_is_noticed_and_the_next_case_is_not_affected():
    x = np.arange(3.0)

    def spoil(v):
        v += 1
        return v

    assert ask(spoil, x).modified == ("x",)
    assert x.tolist() == [0, 1, 2]


def test_an_equal_value_of_another_dtype_written_in_place_is_noticed_too():
    batches = [np.zeros(2), np.ones(3)]

    def spoil(v):
        v[0] = v[0].astype(np.float32)
        return v[1]

    assert ask(spoil, batches).modified == ("x",)


SPOILING = ["v['m'] = v['m'] + 1", "v['m'] += 1", "v['m'] = None", "v['n'] = 0", "del v['m']"]


@pytest.mark.parametrize("spoil", SPOILING)
def test_a_dictionary_changed_in_place_is_noticed(spoil):
    def spoiled(v):
        exec(spoil, {"v": v})
        return 0.0

    assert ask(spoiled, {"m": np.ones(2)}).modified == ("x",)
    assert ask(lambda v: v["m"] + 1, {"m": np.ones(2)}).modified == ()


def test_a_given_function_is_the_students_own_unless_another_is_served():
    names = {"f": lambda x: x(2.0), "double": lambda v: 2 * v}
    assert run_probe(calls_f, names, {"x": Given("double")}).arrays["y"] == 4
    served = run_probe(calls_f, names, {"x": Given("double")}, lambda g: lambda v: 3 * v)
    assert served.arrays["y"] == 6


def test_a_librarys_own_not_implemented_error_is_an_error_of_the_code():
    def f(x):
        raise NotImplementedError("cannot copy out of a meta tensor")

    assert ask(f).status == "raised"


def test_a_stub_of_another_exercise_is_named():
    names = {}
    code = "def helper(x):\n    raise NotImplementedError\n\ndef f(x):\n    return helper(x)"
    exec(compile(code, "<cell 3>", "exec"), names)
    assert run_probe(calls_f, names, {"x": np.ones(2)}).error == "it calls helper, which is not written yet"


def test_magics_are_passed_over_and_a_line_that_goes_on_with_percent_is_code():
    names = {}
    exec(without_magics("%matplotlib inline\n!pip list\nx = (7\n     % 4)"), names)
    assert names["x"] == 3


def test_extended_precision_comes_back_as_float64():
    assert ask(lambda x: x.astype(np.longdouble)).arrays["y"].dtype == np.float64
