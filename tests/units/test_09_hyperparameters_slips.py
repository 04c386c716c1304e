"""Search in NumPy: slips are told by name, lazy answers are refused, and lazy tests are found out."""

import pytest

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("09-hyperparameters", "hyperparameters_numpy")

LOOP = (
    "alive, rungs = list(configs), []\n"
    "    while alive:\n"
    "        scored = [(evaluate(c, budget), i) for i, c in enumerate(alive)]\n"
    "        rungs.append((len(alive), budget))\n"
)
RANKED = LOOP + "        scored.sort(key=lambda pair: (np.isnan(pair[0]), pair[0], pair[1]))\n"
KEPT = (
    "        last = alive[scored[0][1]]\n"
    "        alive = [alive[i] for i in sorted(i for _, i in scored[: len(alive) // eta])]\n"
)
KERNELS = "K = kernel(x, x, length, scale)\n    Ks = kernel(x, x_new, length, scale)\n    n = len(x)\n"
INVERSE = KERNELS + "    P = np.linalg.inv(K + noise**2 * np.eye(n))\n"
STD = "np.sqrt(np.maximum(scale**2 - np.sum(Ks * (P @ Ks), axis=0), 0))"
NORMAL = (
    "sd = np.asarray(sd, dtype=float)\n"
    "    d = best - mu - xi\n"
    "    z = d / np.where(sd == 0, 1, sd)\n"
    "    Phi, phi = normal_cdf(z), normal_density(z)\n    "
)
DRAWN = (
    "configs = []\n"
    "    for i in range(len(u)):\n"
    "        config = {}\n"
    "        for j, (name, how) in enumerate(space.items()):\n"
    "            p, kind, a = u[i][j], how[0], how[1:]\n"
    "            if kind == 'choice':\n"
    "                config[name] = CHOICE\n"
    "            elif kind == 'one-minus':\n"
    "                config[name] = MOMENTUM\n"
    "            elif kind == 'log':\n"
    "                config[name] = np.exp(np.log(a[0]) + p * (np.log(a[1]) - np.log(a[0])))\n"
    "            else:\n"
    "                config[name] = a[0] + (a[1] - a[0]) * p\n"
    "        configs.append(config)\n"
    "    return configs"
)
CHOICE, MOMENTUM = "a[int(p * len(a))]", "1 - (1 - a[0]) ** (1 - p) * (1 - a[1]) ** p"


def drawn(choice=CHOICE, momentum=MOMENTUM):
    return DRAWN.replace("CHOICE", choice).replace("MOMENTUM", momentum)


SLIPS = {
    "a rate on a linear scale": ("log_uniform", "HP1", "return (1 - u) * low + u * high"),
    "10 to the power of a rate": ("log_uniform", "HP2", "return 10.0 ** np.interp(u, [0, 1], [low, high])"),
    "two bases": ("log_uniform", "HP3", "return np.e ** np.interp(u, [0, 1], np.log10([low, high]))"),
    "no power": ("log_uniform", "LU-exponent", "return np.interp(u, [0, 1], np.log10([low, high]))"),
    "a momentum on a linear scale": ("sample", "H5", drawn(momentum="a[0] * (1 - p) + a[1] * p")),
    "the distance from 1": (
        "sample",
        "SP-distance",
        drawn(momentum="(1 - a[0]) ** (1 - p) * (1 - a[1]) ** p"),
    ),
    "the last choice left out": ("sample", "SP-last-never", drawn(choice="a[int(p * (len(a) - 1))]")),
    "rounding to a choice": (
        "sample",
        "SP-ends-half",
        drawn(choice="a[int(np.rint(p * (len(a) - 1)))]"),
    ),
    "the same numbers for every trial": ("sample", "H2", drawn().replace("u[i][j]", "u[0][j]")),
    "one dictionary for all": (
        "sample",
        "SP-same-dict",
        drawn().replace("configs = []", "configs, config = [], {}").replace("        config = {}\n", ""),
    ),
    "a share for each trial": ("trials_needed", "H4", "return -int(-confidence // share)"),
    "too few": (
        "trials_needed",
        "TN-one-fewer",
        "n = 0\n    while 1 - (1 - share) ** (n + 1) < confidence:\n        n += 1\n    return n",
    ),
    "the minimum of Python": (
        "best_trial",
        "BT-zero-where",
        "if not np.isfinite(losses).any():\n        raise ValueError('none')\n"
        "    return min(range(len(losses)), key=lambda i: losses[i] if np.isfinite(losses[i]) else 0.0)",
    ),
    "a place among the rest": (
        "best_trial",
        "BT-filtered",
        "rest = [loss for loss in losses if np.isfinite(loss)]\n"
        "    if not rest:\n        raise ValueError('none')\n    return rest.index(min(rest))",
    ),
    "a large loss for none": (
        "best_trial",
        "BT-sentinel",
        "kept = np.isfinite(losses)\n    if not kept.any():\n        raise ValueError('none')\n"
        "    return int(np.nan_to_num(np.where(kept, losses, np.nan), nan=1e6).argmin())",
    ),
    "an error of another kind": (
        "best_trial",
        "BT-other-error",
        "places = [i for i, loss in enumerate(losses) if np.isfinite(loss)]\n"
        "    if not places:\n        raise RuntimeError('none')\n"
        "    return min(places, key=lambda i: losses[i])",
    ),
    "a quotient without logarithms": (
        "trials_needed",
        "TN-no-logarithms",
        "return -int(-(1 - confidence) / (1 - share) // 1)",
    ),
    "n cut at m": (
        "expected_best",
        "EB-capped",
        "m, n = len(scores), np.minimum(n, len(scores))\n"
        "    return sum(v * ((i / m) ** n - ((i - 1) / m) ** n) for i, v in enumerate(sorted(scores), 1))",
    ),
    "no axis for n": (
        "expected_best",
        "EB-no-axis",
        "i = np.arange(1, len(scores) + 1)\n"
        "    return np.sum(((i / i[-1]) ** n - ((i - 1) / i[-1]) ** n) * np.sort(scores))",
    ),
    "the order of the trials": (
        "expected_best",
        "EB-prefix",
        "best = [np.max(scores[: min(k, len(scores))]) for k in np.ravel(n)]\n"
        "    return np.reshape(best, np.shape(n))",
    ),
    "a score's own probability for all below it": (
        "expected_best",
        "EB-cumulative",
        "m = len(scores)\n    return sum(v * (i / m) ** np.asarray(n, dtype=float)"
        " for i, v in enumerate(sorted(scores), 1))",
    ),
    "nan in front": (
        "successive_halving",
        "SH-nan-first",
        LOOP
        + "        scored.sort(key=lambda pair: (pair[0] == pair[0], pair[0], pair[1]))\n"
        + KEPT
        + "        budget *= eta\n    return last, rungs",
    ),
    "the order of the losses": (
        "successive_halving",
        "SH-ranked",
        RANKED + KEPT.replace("sorted(", "(") + "        budget *= eta\n    return last, rungs",
    ),
    "rungs counted by logarithms": (
        "successive_halving",
        "SH-logarithms",
        "import math\n\n    rungs, alive = [], list(configs)\n"
        "    for k in range(int(math.log(len(configs), eta)) + 1):\n"
        "        loss = [evaluate(config, budget * eta**k) for config in alive]\n"
        "        rungs.append((len(alive), budget * eta**k))\n"
        "        last, kept = alive[np.argsort(loss, kind='stable')[0]], len(alive) // eta\n"
        "        alive = [alive[i] for i in sorted(np.argsort(loss, kind='stable')[:kept])]\n"
        "    return last, rungs",
    ),
    "the sort of Python": (
        "successive_halving",
        "SH-sorted-nan",
        LOOP.replace("(evaluate(c, budget), i)", "evaluate(c, budget)")
        + "        ranked = sorted(range(len(alive)), key=lambda i: scored[i])\n"
        + "        last = alive[ranked[0]]\n"
        + "        alive = [alive[i] for i in sorted(ranked[: len(alive) // eta])]\n"
        + "        budget *= eta\n    return last, rungs",
    ),
    "one of eta dropped": (
        "successive_halving",
        "SH-drops-share-early",
        RANKED
        + KEPT.replace("len(alive) // eta", "(len(alive) - len(alive) // eta if len(alive) >= eta else 0)")
        + "        budget *= eta\n    return last, rungs",
    ),
    "the same budget again": (
        "successive_halving",
        "SH-budget-same",
        RANKED + KEPT + "    return last, rungs",
    ),
    "on until one is left": (
        "successive_halving",
        "SH-one-rung-more",
        (RANKED + KEPT).replace("len(alive) // eta", "max(len(alive) // eta, 1) * (len(alive) > 1)")
        + "        budget *= eta\n    return last, rungs",
    ),
    "two trainings for a loss": (
        "successive_halving",
        "SH-twice",
        RANKED
        + "        [evaluate(c, budget) for c in alive]\n"
        + KEPT
        + "        budget *= eta\n    return last, rungs",
    ),
    "a variance": (
        "gp_posterior",
        "GP-variance",
        INVERSE + f"    return Ks.T @ P @ y, {STD} ** 2",
    ),
    "noise as it stands": (
        "gp_posterior",
        "GP-noise-not-squared",
        INVERSE.replace("noise**2", "noise") + f"    return Ks.T @ P @ y, {STD}",
    ),
    "noise on all entries": (
        "gp_posterior",
        "GP-noise-everywhere",
        INVERSE.replace("noise**2 * np.eye(n)", "noise**2 * np.ones((n, n))")
        + f"    return Ks.T @ P @ y, {STD}",
    ),
    "a mean of its own": (
        "gp_posterior",
        "GP-centered",
        INVERSE + f"    m = np.mean(y)\n    return m + Ks.T @ (P @ (y - m)), {STD}",
    ),
    "a kernel with scale for its square": (
        "gp_posterior",
        "GP-scale-as-variance",
        INVERSE.replace("x, length, scale", "x, length, 1")
        .replace("x_new, length, scale", "x_new, length, 1")
        .replace("n = len(x)", "n, K, Ks = len(x), scale * K, scale * Ks")
        + f"    return Ks.T @ P @ y, {STD}",
    ),
    "a floor for the variance": (
        "gp_posterior",
        "GP-floor",
        INVERSE + f"    return Ks.T @ P @ y, {STD.replace(', 0))', ', 1e-6))')}",
    ),
    "high losses wanted": (
        "expected_improvement",
        "HP6",
        (NORMAL + "return np.where(sd > 0, d * Phi + sd * phi, np.maximum(d, 0))").replace(
            "best - mu - xi", "mu - best - xi"
        ),
    ),
    "the probability of an improvement": (
        "expected_improvement",
        "HP11",
        NORMAL + "return np.where(sd > 0, Phi, np.maximum(d, 0))",
    ),
    "a tie without doubt": (
        "expected_improvement",
        "EI-nan",
        "with np.errstate(all='ignore'):\n"
        "        z = (best - mu - xi) / np.asarray(sd, dtype=float)\n"
        "        return (best - mu - xi) * normal_cdf(z) + sd * normal_density(z)",
    ),
    "a root in z": (
        "expected_improvement",
        "EI-root-in-z",
        (NORMAL + "return np.where(sd > 0, d * Phi + sd * phi, np.maximum(d, 0))").replace(
            "d / np.where(sd == 0, 1, sd)", "d / np.where(sd == 0, 1, sd) ** 0.5"
        ),
    ),
    "one place without doubt makes all certain": (
        "expected_improvement",
        "EI-any-zero",
        NORMAL + "return d * Phi + sd * phi if (sd > 0).all() else d.clip(min=0)",
    ),
    "a wrong sign that is cut": (
        "expected_improvement",
        "EI-minus-cut",
        NORMAL + "return np.where(sd > 0, (d * Phi - sd * phi).clip(min=0), np.maximum(d, 0))",
    ),
    "a tie decided on test": (
        "winners_curse",
        "WI-tie-by-test",
        "order = [(v.mean(), t.mean(), -i) for i, (v, t) in enumerate(zip(validation, test))]\n"
        "    i = -max(order)[2]\n    return i, validation[i].mean(), test[i].mean()",
    ),
    "chosen on test": (
        "winners_curse",
        "O18",
        "i = int(np.argmax(test.sum(axis=1)))\n    return i, np.mean(validation[i]), np.mean(test[i])",
    ),
    "validation reported": (
        "winners_curse",
        "H6",
        "share = [np.mean(row) for row in validation]\n    i = int(np.argmax(share))\n"
        "    return i, share[i], max(share)",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_gets_its_own_name_in_every_check_that_fails(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    same = next(p.mistake for p in notebook.unit.patches if p.mistake.id == mistake)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told and told <= {mistake, *same.synonyms}, told


OVERLOOKED_ONCE = {
    "rates of one number": ("log_uniform", "return float(low * (high / low) ** u)"),
    "rates of a row": ("log_uniform", "return np.array([low * (high / low) ** p for p in u])"),
    "names in a fixed order": (
        "sample",
        drawn().replace("space.items()", "sorted(space.items())"),
    ),
    "choices of numbers alone": (
        "sample",
        drawn(choice="a[int(p * len(a))] if isinstance(a[0], int) else a[0]"),
    ),
    "never fewer than ten": (
        "trials_needed",
        "return max(10, int(np.ceil(np.log(1 - confidence) / np.log(1 - share))))",
    ),
    "never fewer than two": (
        "trials_needed",
        "return max(2, int(np.ceil(np.log(1 - confidence) / np.log(1 - share))))",
    ),
    "a list that loses its nan first": (
        "best_trial",
        "losses = [v for v in losses if v == v]\n    return int(np.argmin(losses))",
    ),
    "an error of another type": (
        "best_trial",
        "kept = np.where(np.isfinite(losses), losses, np.inf)\n"
        "    assert kept.min() < np.inf\n    return int(np.argmin(kept))",
    ),
    "never above m": (
        "expected_best",
        "m = len(scores)\n    p = (np.arange(m + 1) / m) ** np.minimum(n, m)[..., None]\n"
        "    return np.diff(p) @ np.sort(scores)",
    ),
    "an array alone": (
        "expected_best",
        "m = len(scores)\n    p = (np.arange(m + 1) / m) ** n[:, None]\n"
        "    return np.diff(p) @ np.sort(scores)",
    ),
    "a loss of ten for none": (
        "best_trial",
        "if not np.isfinite(losses).any():\n        raise ValueError('none')\n"
        "    return int(np.where(np.isfinite(losses), losses, 10.0).argmin())",
    ),
    "one rung too many": (
        "successive_halving",
        RANKED
        + KEPT.replace("len(alive) // eta", "max(len(alive) // eta, len(alive) == 1)")
        + "        budget *= eta\n    return last, rungs",
    ),
    "the list of configurations emptied": (
        "successive_halving",
        (
            RANKED
            + KEPT
            + "        budget *= eta\n        configs[:] = alive or configs\n    return last, rungs"
        ),
    ),
    "the variance of a scale of 1": (
        "gp_posterior",
        INVERSE + "    return Ks.T @ P @ y, np.sqrt(np.maximum(1 - np.sum(Ks * (P @ Ks), axis=0), 0))",
    ),
    "places sorted without their losses": (
        "gp_posterior",
        "x = np.sort(x)\n    " + INVERSE + f"    return Ks.T @ P @ y, {STD}",
    ),
    "arrays of one axis": (
        "expected_improvement",
        "out = []\n    for m, s in zip(np.atleast_1d(mu), np.atleast_1d(sd)):\n"
        "        d = best - m - xi\n"
        "        out.append(d * normal_cdf(d / s) + s * normal_density(d / s) if s else max(d, 0))\n"
        "    return np.array(out)",
    ),
    "a margin without doubt forgotten": (
        "expected_improvement",
        NORMAL + "return np.where(sd > 0, d * Phi + sd * phi, np.maximum(best - mu, 0))",
    ),
    "the last of equal models": (
        "winners_curse",
        "i = max((row.mean(), i) for i, row in enumerate(validation))[1]\n"
        "    return i, validation[i].mean(), test[i].mean()",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), OVERLOOKED_ONCE.values(), ids=OVERLOOKED_ONCE)
def test_a_wrong_answer_is_refused_by_a_check_that_the_student_sees(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    shown = {p.name for p in notebook.unit.probes.values() if not p.hidden}
    for asked in questions:
        verdicts = notebook.verdicts(names, exercise, asked)
        assert any(not v.passed and v.probe in shown for v in verdicts), verdicts


UNNAMED = {
    "a text": ("log_uniform", "return 'small'"),
    "arrays in a dict": ("sample", "return {name: np.zeros(len(u)) for name in space}"),
    "no names": ("sample", "return [{} for _ in u]"),
    "nothing": ("trials_needed", "pass"),
    "one thing": ("successive_halving", "return configs[0]"),
    "one array": ("gp_posterior", "return np.zeros(len(x_new))"),
    "two things": ("winners_curse", "return 1, 0.5"),
}


@pytest.mark.parametrize(("exercise", "body"), UNNAMED.values(), ids=UNNAMED)
def test_what_no_mistake_describes_gets_no_name(exercise, body, notebook, questions):
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert not all(v.passed for v in verdicts) and {v.mistake for v in verdicts} == {None}, verdicts


def test_what_came_in_the_place_of_two_things_is_said(notebook, questions):
    for body, came in (
        ("return configs[0]", "a dict came"),
        ("return configs[0], [], 3", "a tuple of length 3 came"),
        ("pass", "None came"),
    ):
        names = notebook.with_body("successive_halving", body)
        asked = notebook.verdicts(names, "successive_halving", questions[0])
        assert all("two things were expected" in v.message and came in v.message for v in asked), asked


def test_a_search_that_never_ends_is_stopped_and_told_so(notebook, questions):
    body = "while True:\n        [evaluate(config, budget) for config in configs]"
    names = notebook.with_body("successive_halving", body)
    verdicts = notebook.verdicts(names, "successive_halving", questions[0])
    assert all("does your loop end?" in v.message for v in verdicts)


LAZY_TESTS = {
    "a deviation of 1": (
        "[0.4, -0.3]",
        "[1.0, 1.0]",
        "[(0.7, 0.2)]",
        {"HP9", "EI-variance-outside", "deviation_of_1"},
    ),
    "no margin": ("[0.4, -0.3]", "[0.6, 2.0]", "[(0.7, 0.0)]", {"EI-no-xi", "EI-xi-added", "EI-xi-after"}),
    "never certain": ("[0.4, -0.3]", "[0.6, 2.0]", "[(0.7, 0.2)]", {"EI-zero", "EI-nan", "EI-negative"}),
    "always better": ("[0.4, -0.3]", "[0.6, 2.0]", "[(1.7, 0.2)]", {"EI-clipped", "hopeless_places_get_0"}),
    "one place": ("[0.4]", "[0.6]", "[(0.7, 0.2)]", {"first_one_everywhere", "deviations_overwritten"}),
    "a best of 0": ("[0.4, -0.3]", "[0.6, 2.0]", "[(0.0, 0.2)]", {"best_of_0", "EI-default"}),
}


@pytest.mark.parametrize(("mu", "sd", "settings", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_an_improvement_is_found_out(mu, sd, settings, overlooked, notebook):
    body = (
        f"mu, sd = np.array({mu}), np.array({sd})\n"
        f"    for best, xi in {settings}:\n"
        "        z = (best - mu - xi) / sd\n"
        "        right = sd * (z * normal_cdf(z) + normal_density(z))\n"
        "        assert np.allclose(implementation(mu, sd.copy(), best, xi), right)\n"
    )
    names = notebook.with_body("test_expected_improvement", body)
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_expected_improvement")
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    broken = {b.__name__: b(right) for b in probe.breakers}
    broken |= {i: notebook.reference.given(Given(probe.judges, i)) for i in probe.wrong}
    accepted = {
        name
        for name, f in broken.items()
        if run_probe(probe, names, {"implementation": f}).status == "values"
    }
    assert overlooked <= accepted
