"""The NumPy capstone's checks: slips by their names, wrong answers refused, lazy tests found out."""

import pytest

from autograder.probes import Given
from autograder.running import run_probe

SOLVED = ("12-capstone", "capstone_numpy")

SHAPE = "H, W = (height - k + 2 * pad) // stride + 1, (width - k + 2 * pad) // stride + 1\n    "
WILSON = "n, p = len(correct), sum(correct) / len(correct)\n    u = z * z / n\n    "
DIFFERENCE = "d = after.astype(float) - before\n    n = len(d)\n    "
RUNGS = "a = np.array(accuracies, dtype=float)\n    g = a[1:] - a[:-1]\n    S = g.shape[1]\n    "
SETS = (
    "K = len(tricks)\n    v = {}\n    for n in range(K + 1):\n"
    "        for s in itertools.combinations(tricks, n):\n"
    "            v[frozenset(s)] = measure(frozenset(s))\n    "
)
ORDERS = "gains = dict.fromkeys(tricks, 0)\n    for order in itertools.permutations(tricks):\n"
FILTERS = "m = np.abs(w.reshape(len(w), -1)).max(1)\n    s = np.where(m > 0, m, 1) / 127\n    "
SHAPED = "x = w / s.reshape(-1, *[1] * (w.ndim - 1))\n    "
GREEDY = """E, left, best = [], budget, 1e9
    while True:
        found = None
        for m in range(len(costs)):
            if m in E or costs[m] > left:
                continue
            q = {mean}
            loss = {loss}
            if {better}:
                found, best = m, loss
        if found is None:
            return E
        E, left = E + [found], left - costs[found]"""


def greedy(
    mean="sum(probabilities[j] for j in E + [m]) / (len(E) + 1)",
    loss="-np.mean(np.log(q[np.arange(len(y)), y]))",
    better="loss < best",
):
    return GREEDY.format(mean=mean, loss=loss, better=better)


COPIES = """E, best, ways = [], np.inf, range(len(costs))
    while True:
        asked = [m for m in ways if m not in E and sum(costs[j] for j in E + [m]) <= budget]
        if not asked:
            return E
        own = [probabilities[E + [m]].mean(0)[np.arange(len(y)), y] for m in asked]
        losses = [-np.log(p).mean() for p in own]
        if min(losses) > best:
            return E
        best = min(losses)
        E.append(asked[losses.index(best)])"""

SLIPS = {
    "padded in one direction": (
        "conv_cost",
        "CC-pad-height-only",
        "H, W = 1 + (height - k + 2 * pad) // stride, 1 + (width - k) // stride\n"
        "    return c_out * (c_in * k * k + bias), H * W * c_out * c_in * k * k, H, W",
    ),
    "stride for padding": (
        "conv_cost",
        "CC-stride-and-pad-swapped",
        "stride, pad = pad, stride\n    "
        + SHAPE
        + "return c_out * (c_in * k * k + bias), H * W * c_out * c_in * k * k, H, W",
    ),
    "half of the filter for padding": (
        "conv_cost",
        "CC-pad-of-the-filter",
        "pad = k // 2\n    "
        + SHAPE
        + "return c_out * (c_in * k * k + bias), H * W * c_out * c_in * k * k, H, W",
    ),
    "rounded up": (
        "conv_cost",
        "CC-ceil",
        "H, W = (int(np.ceil((x + 2 * pad - k) / stride)) + 1 for x in (height, width))\n"
        "    return c_out * (c_in * k * k + bias), H * W * c_out * c_in * k * k, H, W",
    ),
    "the plus one inside": (
        "conv_cost",
        "CC-plus-1-inside",
        "H, W = ((x + 2 * pad - k + 1) // stride for x in (height, width))\n"
        "    return c_out * (c_in * k * k + bias), H * W * c_out * c_in * k * k, H, W",
    ),
    "a depthwise filter": (
        "conv_cost",
        "CC-one-input",
        SHAPE + "return c_out * (k * k + bias), H * W * c_out * k * k, H, W",
    ),
    "FLOPs": (
        "conv_cost",
        "CC-adds-too",
        SHAPE + "return c_out * (c_in * k * k + bias), 2 * H * W * c_out * c_in * k * k, H, W",
    ),
    "running statistics": (
        "network_cost",
        "NC-bn-running",
        "P = M = 0\n    c, h, w = shape\n    for kind, *n in layers:\n        if kind == 'conv':\n"
        "            p, m, h, w = conv_cost(c, n[0], n[1], h, w, *n[2:])\n            c = n[0]\n"
        "        elif kind == 'pool':\n            p, m, h, w = 0, 0, h // n[0], w // n[0]\n"
        "        elif kind == 'linear':\n            p, m = (c * h * w + 1) * n[0], c * h * w * n[0]\n"
        "            c, h, w = n[0], 1, 1\n"
        "        else:\n            p, m = (4 * c if kind == 'batch norm' else 0), 0\n"
        "        P, M = P + p, M + m\n    return P, M",
    ),
    "Wald": (
        "accuracy_interval",
        "AI-normal",
        WILSON + "h = z * (p * (1 - p) / n) ** 0.5\n    return p, p - h, p + h",
    ),
    "SciPy's default": (
        "accuracy_interval",
        "AI-exact",
        "from scipy import stats\n    k, n = int(sum(correct)), len(correct)\n"
        "    ends = stats.binomtest(k, n).proportion_ci(0.95, 'exact')\n    return k / n, *ends",
    ),
    "around the accuracy": (
        "accuracy_interval",
        "AI-centre-measured",
        WILSON + "h = z * np.sqrt(p * (1 - p) / n + u / n / 4) / (1 + u)\n    return p, p - h, p + h",
    ),
    "two samples": (
        "paired_gain",
        "PG-unpaired",
        DIFFERENCE
        + "v = [np.std(c, ddof=1) ** 2 / n for c in (before, after)]\n    return d.mean(), sum(v) ** 0.5",
    ),
    "NumPy's default": (
        "paired_gain",
        "PG-ddof",
        DIFFERENCE + "return sum(d) / n, (((d - d.mean()) ** 2).mean() / n) ** 0.5",
    ),
    "no difference subtracted": (
        "paired_gain",
        "PG-mcnemar",
        DIFFERENCE + "return d.mean(), np.sqrt(np.abs(d).sum()) / n",
    ),
    "only where they differ": (
        "paired_gain",
        "PG-changed-for-both",
        "d = [int(a) - int(b) for b, a in zip(before, after) if a != b]\n"
        "    return np.mean(d), np.std(d, ddof=1) / len(d) ** 0.5",
    ),
    "points": (
        "paired_gain",
        "PG-points",
        DIFFERENCE + "d = 100 * d\n    return d.mean(), d.std(ddof=1) / n**0.5",
    ),
    "the mean squared once": (
        "paired_gain",
        "PG-no-N-before-the-square",
        DIFFERENCE + "return d.mean(), ((sum(d != 0) - d.mean() ** 2) / (n - 1) / n) ** 0.5",
    ),
    "disagreement": (
        "paired_gain",
        "PG-xor",
        "d = (before != after) * 1.0\n    return d.mean(), d.std(ddof=1) / len(d) ** 0.5",
    ),
    "spread for error": ("seed_gains", "SG-std", RUNGS + "return g.mean(1), np.sqrt(g.var(1, ddof=1))"),
    "seeds of their own": (
        "seed_gains",
        "SG-unpaired",
        RUNGS + "e2 = a.var(1, ddof=1) / S\n    return g.mean(1), np.sqrt(e2[1:] + e2[:-1])",
    ),
    "rungs for seeds": (
        "seed_gains",
        "SG-root-of-all-rungs",
        RUNGS + "return g.mean(1), g.std(1, ddof=1) / len(a) ** 0.5",
    ),
    "the other axis everywhere": (
        "seed_gains",
        "SG-all-axes",
        "g = np.diff(accuracies)\n    return g.mean(0), g.std(0, ddof=1) / len(g) ** 0.5",
    ),
    "spread minus spread": (
        "seed_gains",
        "SG-spreads-subtracted",
        RUNGS + "s = a.std(1, ddof=1)\n    return g.mean(1), s[1:] - s[:-1]",
    ),
    "over the baseline": (
        "seed_gains",
        "SG-over-the-first",
        "a = np.array(accuracies)\n    g = a[1:] - a[0]\n"
        "    return g.mean(1), g.std(1, ddof=1) / g.shape[1] ** 0.5",
    ),
    "trained again": (
        "ladder_gains",
        "LG-measures-again",
        "gains, s = {}, frozenset()\n    for t in order:\n        gains[t] = measure(s | {t}) - measure(s)\n"
        "        s = s | {t}\n    return gains",
    ),
    "all sets for a ladder": (
        "ladder_gains",
        "LG-all-sets",
        SETS.replace("tricks", "order")
        + "gains, s = {}, frozenset()\n    for t in order:\n        gains[t] = v[s | {t}] - v[s]\n"
        "        s = s | {t}\n    return gains",
    ),
    "each alone": (
        "ladder_gains",
        "LG-alone",
        "v0 = measure(frozenset())\n    return {t: measure(frozenset({t})) - v0 for t in order}",
    ),
    "the top again and again": (
        "losses_without",
        "LW-measures-again",
        "T = frozenset(tricks)\n    losses = {}\n    for t in tricks:\n"
        "        losses[t] = measure(T) - measure(T - {t})\n"
        "    return losses",
    ),
    "letters of a name": (
        "losses_without",
        "LW-letters",
        "T = frozenset(tricks)\n    top = measure(T)\n"
        "    return {t: top - measure(T - frozenset(t)) for t in tricks}",
    ),
    "all sets for an ablation": (
        "losses_without",
        "LW-all-sets",
        SETS + "T = frozenset(tricks)\n    return {t: v[T] - v[T - {t}] for t in tricks}",
    ),
    "a number for each order": (
        "shapley_gains",
        "SV-keeps-orders",
        "seen, gains = {}, dict.fromkeys(tricks, 0)\n    orders = list(itertools.permutations(tricks))\n"
        "    for order in orders:\n        for k in range(len(order) + 1):\n"
        "            if order[:k] not in seen:\n"
        "                seen[order[:k]] = measure(frozenset(order[:k]))\n"
        "        for k, t in enumerate(order):\n"
        "            gains[t] += (seen[order[: k + 1]] - seen[order[:k]]) / len(orders)\n    return gains",
    ),
    "Banzhaf": (
        "shapley_gains",
        "SV-banzhaf",
        SETS + "return {t: np.mean([v[s | {t}] - v[s] for s in v if t not in s]) for t in tricks}",
    ),
    "a sum over orders": (
        "shapley_gains",
        "SV-not-divided",
        SETS + ORDERS + "        for k in range(K):\n"
        "            gains[order[k]] += v[frozenset(order[: k + 1])] - v[frozenset(order[:k])]\n"
        "    return gains",
    ),
    "first and last only": (
        "shapley_gains",
        "SV-ends",
        SETS + "T, none = frozenset(tricks), frozenset()\n"
        "    return {t: (v[frozenset({t})] - v[none] + v[T] - v[T - {t}]) / 2 for t in tricks}",
    ),
    "everything that fits": (
        "choose_members",
        "CM-never-stops",
        greedy().replace("        found = None", "        found, best = None, 1e9"),
    ),
    "one loss after another": (
        "choose_members",
        "CM-one",
        greedy(loss="np.mean([-np.log(probabilities[j][np.arange(len(y)), y]).mean() for j in E + [m]])"),
    ),
    "errors counted": (
        "choose_members",
        "CM-accuracy",
        greedy(loss="np.mean(q.argmax(1) != y)"),
    ),
    "a first number of zero": ("choose_members", "CM-begins-at-0", greedy().replace("1e9", "0")),
    "a first number of ten": ("choose_members", "CM-begins-at-10", greedy().replace("1e9", "10.0")),
    "the loss of chance": (
        "choose_members",
        "CM-begins-at-chance",
        greedy().replace("1e9", "np.log(probabilities.shape[-1])"),
    ),
    "a copy comes in": ("choose_members", "CM-equal-too", COPIES),
    "every set": (
        "choose_members",
        "CM-all-sets",
        "best, E = 1e9, []\n    for n in range(len(costs)):\n"
        "        for S in itertools.combinations(range(len(costs)), n + 1):\n"
        "            q = probabilities[list(S)].mean(0)[np.arange(len(y)), y]\n"
        "            if sum(costs[m] for m in S) <= budget and -np.log(q).mean() < best:\n"
        "                best, E = -np.log(q).mean(), list(S)\n    return E",
    ),
    "all classes": ("choose_members", "CM-all-classes", greedy(loss="-np.log(q).mean()")),
    "columns": ("choose_members", "CM-columns", greedy(loss="-np.log(q[:, y]).mean()")),
    "the sign": ("choose_members", "CM-sign", greedy(loss="np.log(q[np.arange(len(y)), y]).mean()")),
    "the budget not quite": ("choose_members", "CM-below-budget", greedy().replace("> left", ">= left")),
    "one step for all": (
        "quantize",
        "QZ-one-scale",
        "s = np.ones(len(w)) * np.max(np.abs(w)) / 127\n    return np.rint(w / s[0]).astype(np.int8), s",
    ),
    "decimals cut off": ("quantize", "QZ-truncate", FILTERS + SHAPED + "return x.astype(np.int8), s"),
    "a maximum over one axis": (
        "quantize",
        "QZ-second-axis",
        "s = np.abs(w).max(1) / 127\n    s0 = np.where(s == 0, 1, s)\n"
        "    return np.rint(w / s0[:, None]).astype(np.int8), s",
    ),
    "a small constant": (
        "quantize",
        "QZ-eps",
        FILTERS.replace("np.where(m > 0, m, 1) / 127", "m / 127 + 1e-8")
        + SHAPED
        + "return np.rint(x).astype(np.int8), s",
    ),
    "a lower end": (
        "quantize",
        "QZ-lower-end",
        FILTERS.replace("np.where(m > 0, m, 1)", "np.maximum(m, 1e-8)")
        + SHAPED
        + "return np.rint(x).astype(np.int8), s",
    ),
    "the largest weight": (
        "quantize",
        "QZ-largest-for-scale",
        FILTERS + SHAPED + "return np.rint(x).astype(np.int8), 127 * s",
    ),
    "eight bytes": ("quantize", "QZ-int64", FILTERS + SHAPED + "return np.rint(x).astype(np.int64), s"),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_gets_its_own_name_in_every_check_that_fails(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    same = next(p.mistake for p in notebook.unit.patches if p.mistake.id == mistake)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told and told <= {mistake, *same.synonyms}, told


OVERLOOKED_ONCE = {
    "square images": (
        "conv_cost",
        "H = (height + 2 * pad - k) // stride + 1\n"
        "    return c_out * (c_in * k * k + bias), H * H * c_out * c_in * k * k, H, H",
    ),
    "Wilson where it must be": (
        "accuracy_interval",
        WILSON + "h = z * np.sqrt(p * (1 - p) / n)\n    if 0 < p - h and p + h < 1:\n"
        "        return p, p - h, p + h\n"
        "    c, h = (p + u / 2) / (1 + u), z * np.sqrt(p * (1 - p) / n + u / n / 4) / (1 + u)\n"
        "    return p, c - h, c + h",
    ),
    "N for N - 1 where N is large": (
        "paired_gain",
        DIFFERENCE + "return d.mean(), d.std(ddof=int(n < 20)) / n**0.5",
    ),
    "three seeds": ("seed_gains", RUNGS + "return g.mean(1), g.std(1, ddof=1) / 3**0.5"),
    "begins at a hundred": ("choose_members", greedy().replace("1e9", "100")),
    "fits at first": (
        "choose_members",
        greedy().replace("costs[m] > left", "costs[m] > budget"),
    ),
    "more accurate, then surer": (
        "choose_members",
        greedy(loss="np.mean(q.argmax(1) != y) - q[np.arange(len(y)), y].mean() / 1000"),
    ),
    "a channel of small weights lost": (
        "quantize",
        FILTERS.replace("np.where(m > 0, m, 1) / 127", "np.maximum(m / 127, 1e-3)")
        + SHAPED
        + "return np.rint(x).astype(np.int8), s",
    ),
    "a matrix only": (
        "quantize",
        "s = np.abs(w).max(axis=1) / 127\n"
        "    return np.rint(w / np.where(s > 0, s, 1)[:, None]).astype(np.int8), s",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), OVERLOOKED_ONCE.values(), ids=OVERLOOKED_ONCE)
def test_a_wrong_answer_is_refused(exercise, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        assert not all(v.passed for v in notebook.verdicts(names, exercise, asked))


UNNAMED = {
    "a text": ("conv_cost", "return 'large'"),
    "three things": ("conv_cost", "return 1, 2, 3"),
    "one thing": ("paired_gain", "return 0.2"),
    "a list of gains": ("ladder_gains", "return [1.0, 2.0, 3.0]"),
    "other names": ("losses_without", "return {'all': 1.0}"),
    "nothing": ("shapley_gains", "pass"),
    "a mask of members": ("choose_members", "return np.ones(len(costs), dtype=bool)"),
}


@pytest.mark.parametrize(("exercise", "body"), UNNAMED.values(), ids=UNNAMED)
def test_what_no_mistake_describes_gets_no_name(exercise, body, notebook, questions):
    for asked in questions:
        verdicts = notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        assert not any(v.passed for v in verdicts) and {v.mistake for v in verdicts} == {None}, verdicts


NO_WORK = {
    "costs": ("network_cost", "return 0, 0"),
    "an interval of all accuracies": ("accuracy_interval", "return np.mean(correct), 0.0, 1.0"),
    "no gain, no error": ("paired_gain", "return 0.0, 0.0"),
    "zeros for a ladder": ("ladder_gains", "return dict.fromkeys(order, 0.0)"),
    "zeros for losses": ("losses_without", "return dict.fromkeys(tricks, 0.0)"),
    "zeros for shares": ("shapley_gains", "return dict.fromkeys(tricks, 0.0)"),
    "no members": ("choose_members", "return []"),
    "weights of 0": ("quantize", "return np.zeros(w.shape, dtype=np.int8), np.ones(len(w))"),
}


@pytest.mark.parametrize(("exercise", "body"), NO_WORK.values(), ids=NO_WORK)
def test_an_answer_without_work_earns_nothing(exercise, body, notebook, questions):
    for asked in questions:
        assert not any(
            v.passed for v in notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)
        )


def test_a_measure_that_is_asked_for_a_list_says_what_it_takes(notebook, questions):
    names = notebook.with_body("ladder_gains", "return {t: measure([t]) for t in order}")
    for verdict in notebook.verdicts(names, "ladder_gains", questions[0]):
        assert "measure takes a frozenset of names, and a list of length 1 came" in verdict.message


LETTERS = {
    "ladder_gains": "s, gains, below = frozenset(), {}, measure(frozenset())\n    for t in order:\n"
    "        s, before = s | frozenset(t), below\n        below = measure(s)\n"
    "        gains[t] = below - before\n    return gains",
    "shapley_gains": "return {t: measure(frozenset(t)) for t in tricks}",
}


@pytest.mark.parametrize(("exercise", "body"), LETTERS.items(), ids=LETTERS)
def test_a_measure_that_is_asked_for_letters_says_so(exercise, body, notebook, questions):
    for verdict in notebook.verdicts(notebook.with_body(exercise, body), exercise, questions[0]):
        assert "frozenset('crop') holds the letters of the name" in verdict.message


IN_PLACE = {
    "ladder_gains": "order.reverse()\n    order.reverse()\n    v, s = [measure(frozenset())], set()\n"
    "    for t in order:\n        s |= {t}\n        v.append(measure(s))\n"
    "    gains = {t: v[k + 1] - v[k] for k, t in enumerate(order)}\n    order.sort()\n"
    "    order.append(order.pop(0))\n    return gains",
    "losses_without": "top, losses = measure(frozenset(tricks)), {}\n    rest = set(tricks)\n"
    "    while tricks:\n        t = tricks.pop()\n        losses[t] = top - measure(rest - {t})\n"
    "    return losses",
    "shapley_gains": "tricks.append(tricks.pop(0))\n    " + SETS + "return {t: sum((v[s | {t}] - v[s]) / K / "
    "math.comb(K - 1, len(s)) for s in v if t not in s) for t in tricks}",
}


@pytest.mark.parametrize(("exercise", "body"), IN_PLACE.items(), ids=IN_PLACE)
def test_a_list_of_names_that_was_changed_is_what_is_told(exercise, body, notebook, questions):
    told = set()
    for asked in questions:
        told |= {v.message for v in notebook.verdicts(notebook.with_body(exercise, body), exercise, asked)}
    assert any("in place" in message for message in told), told
    assert not any("relative error" in message or "expected" in message for message in told), told


LAZY_TESTS = {
    "only gains": ("rng.random(30) < 0.1", "rng.random(30) < 0.9", True, {"no_losses"}),
    "a thousand images": ("rng.random(1000) < 0.6", "rng.random(1000) < 0.7", True, {"a_thousand_images"}),
    "answers in order": ("np.arange(31) < 11", "np.arange(31) < 20", True, {"no_losses"}),
    "the gain alone": ("rng.random(30) < 0.4", "rng.random(30) < 0.6", False, {"no_error", "answers_sorted"}),
}


@pytest.mark.parametrize(("before", "after", "error", "overlooked"), LAZY_TESTS.values(), ids=LAZY_TESTS)
def test_a_lazy_test_of_a_comparison_is_found_out(before, after, error, overlooked, notebook):
    body = (
        "rng = np.random.default_rng(0)\n"
        f"    before, after = {before}, {after}\n"
        "    d = after * 1 - before\n"
        "    gain, error = implementation(before.copy(), after.copy())\n"
        "    assert np.isclose(gain, d.mean())\n"
        f"    assert not {error} or np.isclose(error, d.std(ddof=1) / len(d) ** 0.5)\n"
    )
    names = notebook.with_body("test_paired_gain", body)
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_paired_gain")
    right = notebook.reference.given(Given(probe.judges))
    assert run_probe(probe, names, {"implementation": right}).status == "values"
    broken = {b.__name__: b(right) for b in probe.breakers}
    lets_pass = {
        name
        for name, f in broken.items()
        if run_probe(probe, names, {"implementation": f}).status == "values"
    }
    assert {*overlooked, "answers_overwritten"} <= lets_pass
