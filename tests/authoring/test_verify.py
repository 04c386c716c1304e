"""`verify` fails a unit whose checks do not do their work: each way of failing is planted here."""

import pytest

from autograder.authoring.unit import read_unit
from autograder.authoring.verify import verify
from tests.conftest import SLUG


def faults_after(course, file, old, new):
    path = course / "solutions" / SLUG / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return verify(read_unit(course, SLUG)).faults


def test_a_sound_unit_has_no_faults(course):
    proof = verify(read_unit(course, SLUG))
    assert proof.faults == []
    assert [(r.exercise, r.mistakes, r.caught, r.recognised) for r in proof.rows] == [
        ("scale", 2, 2, 2),
        ("center", 1, 1, 1),
        ("scale_centered", 1, 1, 1),
        ("test_scale", 3, 3, 3),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        pytest.param(
            "mistakes.toml", '"x + a"', '"a * x"', "adds is not caught", id="a mistake that is none"
        ),
        pytest.param(
            "mistakes.toml",
            '"x * a * a"',
            '"x + 2 * a - a"',
            "not recognised as itself",
            id="two equal mistakes",
        ),
        pytest.param(
            "checks.py",
            '"a": float(rng.uniform(1.5, 2.5))',
            '"a": 1.0',
            "squares is not caught",
            id="blind inputs",
        ),
        pytest.param(
            "tiny_numpy.py",
            "    x = np.array([[1.0, -2.0, 3.0]])\n    assert np.allclose(implementation(x, 3.0), 3 * x)",
            "    pass",
            "the solution's test accepts twice",
            id="a test that tests nothing",
        ),
        pytest.param(
            "tiny_numpy.py",
            '# %% check="center" points=4\ncheck(center)\n',
            "",
            "no check cell",
            id="no points",
        ),
        pytest.param(
            "tiny_numpy.py",
            "# %% experiment",
            "# %%\nscale(np.ones(2), 2.0)\n\n# %% experiment",
            "crashes the untouched release",
            id="given code that needs an answer",
        ),
    ],
)
def test_what_is_not_proved_is_told(course, file, old, new, fault):
    assert any(fault in f for f in faults_after(course, file, old, new))
