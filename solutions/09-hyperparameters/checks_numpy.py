"""What the checks ask of hyperparameters_numpy, and the inputs they ask it on.

Inputs: ranges of several decades, whose middles differ on all scales; losses with nan and both infinities,
curves that cross; noise, length and scale that are not their own squares; more images of one kind than of the
other; every axis of another length."""

import numpy as np

from autograder import probe


def number(found, name):
    """One number, of any kind: whole ones may come as floats. Its precision stays."""
    value = np.asarray(found)
    if found is None or value.size != 1 or value.dtype.kind not in "biuf":
        raise TypeError(f"{name}: one number was expected, and {came(found)} came")
    return value.reshape(()) if value.dtype.kind == "f" else np.array(float(value.reshape(())))


def came(found):
    kinds = {type(None): "None", np.ndarray: "an array", dict: "a dict", list: "a list", tuple: "a tuple"}
    kind = kinds.get(type(found), f"a {type(found).__name__}")
    return kind + (f" of length {len(found)}" if isinstance(found, (list, tuple)) else "")


def several(found, *names):
    """Results by name; where there are not as many, an error that says what came."""
    if not isinstance(found, (tuple, list)) or len(found) != len(names):
        count = {2: "two", 3: "three"}[len(names)]
        raise TypeError(f"{count} things were expected ({', '.join(names)}), and {came(found)} came")
    return dict(zip(names, found, strict=True))


def a_rate_range(rng):
    """Four decades or so; neither end is a power of 10, and their product is not 1."""
    return {"low": 10 ** rng.uniform(-3.9, -3.1), "high": 10 ** rng.uniform(0.15, 0.45)}


@probe("log_uniform", cases=2)
def is_uniform_on_a_log_scale(s, u, low, high):
    return {"values": s.log_uniform(u, low, high)}


@is_uniform_on_a_log_scale.inputs
def _(rng):
    return {"u": rng.uniform(0.05, 0.95, 7), **a_rate_range(rng)}


@probe("log_uniform", cases=1)
def takes_one_number_and_any_shape(s, u, table, low, high):
    return {"value": s.log_uniform(u, low, high), "values": s.log_uniform(table, low, high)}


@takes_one_number_and_any_shape.inputs
def _(rng):
    u = float(rng.uniform(0.2, 0.4))
    return {"u": u, "table": rng.uniform(0.05, 0.95, (3, 4)), **a_rate_range(rng)}


@probe("log_uniform", cases=1)
def goes_from_low_to_high_above_1_too(s, u, low, high):
    return {"values": s.log_uniform(u, low, high)}


@goes_from_low_to_high_above_1_too.inputs
def _(rng):
    """Widths, say: whole numbers; u from its least to almost its largest value."""
    u = np.array([0.0, *rng.uniform(0.2, 0.8, 3), 0.99])
    return {"u": u, "low": int(rng.integers(3, 7)), "high": int(rng.integers(300, 500))}


def columns(found, space, n):
    """The values of each name; a choice as its place among the choices, -1 if it is none of them."""
    if not isinstance(found, (list, tuple)) or not all(isinstance(config, dict) for config in found):
        raise TypeError(f"a list of dicts was expected, and {came(found)} came")
    for config in found:
        if config.keys() != space.keys():
            raise ValueError(f"a configuration has the names {sorted(config)}, expected {sorted(space)}")
    table = {"how_many": np.array(len(found))}
    for name, (kind, *options) in space.items():
        values = [config[name] for config in found]
        if kind == "choice":
            table[name] = np.array([options.index(v) if v in options else -1 for v in values])
        else:
            table[name] = np.array([number(v, name) for v in values])
    return table


def momenta(rng):
    """Not a power of 10 from 1 at either end."""
    return [float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.994, 0.997))]


def drawn(s, u, space):
    """Asked with the space that it gets, which it may not change."""
    space = {name: tuple(how) for name, how in space.items()}
    kept = dict(space)
    found = columns(s.sample(u, space), kept, len(u))
    if space != kept:
        raise ValueError("your code changed the space: work on a copy")
    return found


@probe("sample", cases=2)
def draws_each_kind_on_its_scale(s, u, space):
    return drawn(s, u, space)


@draws_each_kind_on_its_scale.inputs
def _(rng):
    low, high = a_rate_range(rng).values()
    space = {
        "lr": ["log", low, high],
        "dropout": ["linear", float(rng.uniform(0.1, 0.2)), float(rng.uniform(0.6, 0.8))],
        "momentum": ["one-minus", *momenta(rng)],
        "width": ["choice", 24, 48, 80],
    }
    return {"u": rng.uniform(0.1, 0.9, (7, 4)), "space": space}


@probe("sample", cases=1)
def takes_each_choice_equally_often(s, u, space):
    return drawn(s, u, space)


@takes_each_choice_equally_often.inputs
def _(rng):
    """All of [0, 1), its two ends too; texts, and numbers that are out of order."""
    even = (np.arange(40) + rng.uniform(0.2, 0.8)) / 40
    u = np.stack([[0.0, *rng.permutation(even), 1 - 2**-53] for _ in range(2)], axis=1)
    space = {"activation": ["choice", "relu", "tanh", "gelu"], "batch": ["choice", 128, 16, 512, 64, 32]}
    return {"u": u, "space": space}


@probe("sample", cases=1)
def gives_each_name_its_own_column(s, u, space):
    return drawn(s, u, space)


@gives_each_name_its_own_column.inputs
def _(rng):
    """Names out of order, and all of one kind; as many rows as names."""
    names = ["lr", "weight_decay", "eps", "init", "clip"]
    space = {name: ["log", *a_rate_range(rng).values()] for name in names}
    return {"u": rng.uniform(0.05, 0.95, (5, 5)), "space": space}


@probe("sample", cases=1, hidden=True)
def begins_at_low_for_u_0(s, u, space):
    return drawn(s, u, space)


@begins_at_low_for_u_0.inputs
def _(rng):
    low, high = a_rate_range(rng).values()
    space = {"momentum": ["one-minus", *momenta(rng)], "lr": ["log", low, high], "noise": ["linear", -3, 8]}
    return {"u": np.array([[0.0, 0.0, 0.0], *rng.uniform(0.1, 0.9, (2, 3))]), "space": space}


def counts(s, share, confidence):
    pairs = zip(share, confidence, strict=True)
    return {"trials": np.array([number(s.trials_needed(q, c), "trials") for q, c in pairs])}


@probe("trials_needed", cases=2)
def counts_trials_for_a_small_share(s, share, confidence):
    return counts(s, share, confidence)


@counts_trials_for_a_small_share.inputs
def _(rng):
    """Rounding up, down and to the nearest differ: 0.3 or 0.7 above a whole number."""
    share = rng.uniform(0.01, 0.2, 4)
    unrounded = rng.integers(8, 14, 4) * 2 + rng.permutation([0.3, 0.7, 0.3, 0.7])
    return {"share": share.tolist(), "confidence": (1 - (1 - share) ** unrounded).tolist()}


@probe("trials_needed", cases=1)
def counts_trials_for_a_large_share(s, share, confidence):
    return counts(s, share, confidence)


@counts_trials_for_a_large_share.inputs
def _(rng):
    share = np.array([*rng.uniform(0.25, 0.45, 3), 0.35, 0.6])
    unrounded = np.array([3.3, 4.7, 6.4, 0.4, 0.39])
    return {"share": share.tolist(), "confidence": (1 - (1 - share) ** unrounded).tolist()}


@probe("trials_needed", cases=1)
def needs_no_trial_more_where_it_comes_out_even(s, share, confidence):
    return counts(s, share, confidence)


@needs_no_trial_more_where_it_comes_out_even.inputs
def _(rng):
    """Powers of 2 have no rounding error. The last one does not come out even."""
    n = int(rng.integers(2, 5))
    return {"share": [0.5, 0.75, 0.3], "confidence": [1 - 0.5**n, 0.9375, 0.8]}


@probe("best_trial", cases=2)
def passes_over_nan(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


@passes_over_nan.inputs
def _(rng):
    """The best stands behind two that diverged, and is neither the last nor the place of one."""
    a, b, c, d, e = rng.uniform(1.2, 3, 5)
    best = rng.uniform(0.3, 0.9)
    return {"losses": np.array([a, np.nan, b, np.nan, c, best, d, np.nan, e])}


@probe("best_trial", cases=1)
def passes_over_infinite_losses(s, losses, negative):
    places = s.best_trial(losses), s.best_trial(negative)
    return {"place": number(places[0], "place"), "place_of_negative_losses": number(places[1], "place")}


@passes_over_infinite_losses.inputs
def _(rng):
    kept = rng.permutation(rng.uniform(0.3, 0.9, 4))
    losses = np.array([np.inf, *kept[:2], -np.inf, kept[2], np.nan, kept[3]])
    negative = np.array([-0.6, np.nan, np.inf, -3.1, -1.7])
    return {"losses": losses, "negative": negative}


@probe("best_trial", cases=1)
def takes_any_finite_loss_however_large(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


@takes_any_finite_loss_however_large.inputs
def _(rng):
    """No number stands for a diverged trial."""
    return {"losses": np.array([np.nan, rng.uniform(2, 4) * 1e12, rng.uniform(2, 4) * 1e11, np.inf])}


@probe("best_trial", cases=1)
def takes_the_first_of_equal_losses(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


@takes_the_first_of_equal_losses.inputs
def _(rng):
    low, high = rng.uniform(1.2, 1.5), rng.uniform(2, 3)
    return {"losses": np.array([high, np.nan, 2 * high, low, high, low, np.nan, low, high])}


@probe("best_trial", cases=1)
def says_so_where_all_trials_diverged(s, mixed, infinite, unknown):
    told = {}
    for name, losses in {"mixed": mixed, "infinite": infinite, "nan": unknown}.items():
        raised = None
        try:
            s.best_trial(losses)
        except NotImplementedError:
            raise
        except Exception as error:
            raised = error
        told[f"raises_an_error_for_{name}"] = raised is not None
        told[f"which_is_a_ValueError_for_{name}"] = isinstance(raised, ValueError)
        told[f"whose_text_says_something_for_{name}"] = bool(str(raised or ""))
    return told


@says_so_where_all_trials_diverged.inputs
def _(rng):
    return {
        "mixed": np.array([np.inf, np.nan, -np.inf, np.nan]),
        "infinite": np.array([np.inf, np.inf]),
        "unknown": np.full(3, np.nan),
    }


@probe("expected_best", cases=2)
def averages_over_all_draws(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


@averages_over_all_draws.inputs
def _(rng):
    return {"scores": rng.permutation(rng.uniform(0.2, 0.95, 7)), "n": rng.permutation([1, 2, 3, 5, 11])}


@probe("expected_best", cases=1)
def takes_one_number_of_trials(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


@takes_one_number_of_trials.inputs
def _(rng):
    return {"scores": rng.uniform(-3, 2, 6), "n": int(rng.integers(2, 5))}


@probe("expected_best", cases=1)
def counts_equal_scores_as_often_as_they_occur(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


@counts_equal_scores_as_often_as_they_occur.inputs
def _(rng):
    low, middle, high = np.sort(rng.uniform(0.2, 0.95, 3))
    scores = rng.permutation([low, high, low, middle, high, low, low, middle])
    return {"scores": scores, "n": np.array([4, 1, 2])}


def halved(s, final, extra, diverges, budget, eta):
    """Halving on losses that go from final + extra towards final; it notes what was trained, how long."""
    configs = [{"lr": 0.01 * (i + 1), "width": 8 + i} for i in range(len(final))]
    kept = [dict(config) for config in configs]
    first, trained = budget, []

    def evaluate(config, budget):
        if len(trained) > 500:
            raise RuntimeError("evaluate was called 500 times: does your loop end?")
        i = kept.index(config)
        trained.append((float(budget), float(i)))
        return float("nan") if diverges[i] else float(final[i] + extra[i] * first / budget)

    found = several(s.successive_halving(evaluate, configs, budget, eta), "best", "rungs")
    if configs != kept:
        raise ValueError("your code changed the list of configurations: work on a copy")
    rungs = pairs(found["rungs"])
    return {
        "place_of_the_best": np.array(kept.index(found["best"]) if found["best"] in kept else -1),
        "configurations_of_each_rung": rungs[:, 0],
        "budget_of_each_rung": rungs[:, 1],
        "trainings_by_budget_and_place": np.array(sorted(trained)),
    }


def pairs(rungs):
    """As an array of two columns, if they are pairs of numbers."""
    try:
        table = np.asarray(rungs, dtype=float)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"rungs: a list of pairs of numbers was expected, and {came(rungs)} came")
    return table


def curves(rng, n, eta, budget):
    """One is best early and gets worse. One is good early, one is better late, and stands behind it.

    Three diverge, the rest is poor. So the winners by any rung but the last are wrong."""
    final, extra = rng.uniform(0.65, 0.9, n), rng.uniform(0.5, 1.5, n)
    places = rng.permutation(np.arange(1, n - 1))
    early, diverging, good = places[0], places[1:4], np.sort(places[4:6])
    final[early], extra[early] = 1.5, -1.3
    final[good], extra[good] = [0.5, 0.3], [0.1, 0.8]
    final += rng.uniform(-0.01, 0.01, n)
    diverges = np.isin(np.arange(n), diverging)
    return {"final": final, "extra": extra, "diverges": diverges, "budget": budget, "eta": eta}


@probe("successive_halving", cases=2)
def keeps_the_best_and_gives_them_more(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@keeps_the_best_and_gives_them_more.inputs
def _(rng):
    """A third of them is not a whole number, and rounding it differs in the next rung, too.

    Places at which Python's sort, misled by nan, keeps others."""
    n, budget = int(rng.choice([20, 29])), int(rng.integers(2, 5))
    while True:
        given = curves(rng, n, 3, budget)
        losses = np.where(given["diverges"], np.nan, given["final"] + given["extra"])
        misled = sorted(range(n), key=losses.tolist().__getitem__)
        if set(misled[: n // 3]) != set(np.argsort(losses)[: n // 3]):
            return given


@probe("successive_halving", cases=1)
def trains_the_last_one_too(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@trains_the_last_one_too.inputs
def _(rng):
    """One is left at the end. With eta = 2, keeping one of eta and dropping one of it would be the same."""
    return curves(rng, 11, 3, int(rng.integers(3, 6)))


@probe("successive_halving", cases=1)
def keeps_the_first_of_equal_losses(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@keeps_the_first_of_equal_losses.inputs
def _(rng):
    """Three of ten are kept: the best, and the first two of eight that are equal. Nothing changes later."""
    final = np.full(10, rng.uniform(0.5, 0.9))
    final[rng.integers(2, 9)] -= 0.2
    final[9] += 0.3
    return settled(final, np.zeros(10), eta=3)


def settled(final, extra, eta):
    """None diverges."""
    return {"final": final, "extra": extra, "diverges": np.zeros(len(final), bool), "budget": 3, "eta": eta}


@probe("successive_halving", cases=1)
def keeps_the_order_of_configs_in_later_rungs(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@keeps_the_order_of_configs_in_later_rungs.inputs
def _(rng):
    """The first rung prefers the later of two, by 0.1875. In the second they are equal, to the last bit."""
    final, extra = rng.uniform(1.2, 1.9, 9), np.zeros(9)
    two = np.sort(rng.choice(9, 2, replace=False))
    final[two], extra[two] = [0.5, 0.5625], [0.5, 0.25]
    return settled(final, extra, eta=4)


@probe("successive_halving", cases=1)
def counts_its_rungs_without_rounding_errors(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@counts_its_rungs_without_rounding_errors.inputs
def _(rng):
    """243 is the fifth power of 3, and log(243) / log(3) is below 5 in floating point."""
    return settled(rng.permutation(np.linspace(0.3, 2.3, 243)), np.zeros(243), eta=3)


@probe("successive_halving", cases=1)
def has_one_rung_where_none_would_be_kept(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@has_one_rung_where_none_would_be_kept.inputs
def _(rng):
    final = np.array([0.7, *rng.permutation([0.4, 0.9, 0.2])])
    extra = rng.uniform(0.02, 0.09, 4)
    return {"final": final, "extra": extra, "diverges": final == 0.2, "budget": 3, "eta": 5}


def trials_of_a_process(rng, n, m):
    """Trials in no order, close enough that they know of each other; no number is its own square."""
    return {
        "x": rng.permutation(np.linspace(-2.3, 2.9, n) + rng.uniform(-0.25, 0.25, n)),
        "y": rng.normal(1.5, 2, n),
        "x_new": rng.uniform(-3, 4, m),
        "length": float(rng.uniform(0.6, 0.8)),
        "scale": float(rng.uniform(1.6, 2.4)),
        "noise": float(rng.uniform(0.3, 0.5)),
    }


def posterior(s, x, y, x_new, length, scale, noise):
    return several(s.gp_posterior(x, y, x_new, length, scale, noise), "mean", "std")


@probe("gp_posterior", cases=2)
def expects_what_the_trials_say(s, x, y, x_new, length, scale, noise):
    return {"mean": posterior(s, x, y, x_new, length, scale, noise)["mean"]}


@probe("gp_posterior", cases=2)
def knows_how_sure_it_is(s, x, y, x_new, length, scale, noise):
    return {"std": posterior(s, x, y, x_new, length, scale, noise)["std"]}


@expects_what_the_trials_say.inputs
@knows_how_sure_it_is.inputs
def _(rng):
    return trials_of_a_process(rng, 6, 4)


@probe("gp_posterior", cases=1)
def knows_nothing_far_away_and_much_at_the_trials(s, x, y, x_new, length, scale, noise):
    return posterior(s, x, y, x_new, length, scale, noise)


@knows_nothing_far_away_and_much_at_the_trials.inputs
def _(rng):
    given = trials_of_a_process(rng, 5, 1)
    return given | {"x_new": np.array([*given["x"][:2], 40.0])}


@probe("gp_posterior", cases=1)
def takes_one_trial_and_one_place(s, x, y, x_new, length, scale, noise):
    return posterior(s, x, y, x_new, length, scale, noise)


@takes_one_trial_and_one_place.inputs
def _(rng):
    given = trials_of_a_process(rng, 5, 1)
    x = given["x"][:1]
    return given | {"x": x, "y": given["y"][:1], "x_new": x + rng.uniform(0.2, 0.6, 1)}


@probe("gp_posterior", cases=1)
def stays_finite_where_almost_all_is_known(s, x, y, x_new, length, scale, noise):
    std = np.asarray(posterior(s, x, y, x_new, length, scale, noise)["std"])
    return {"no_std_is_nan": np.isfinite(std).all(), "std_but_for_rounding": np.where(std < 9e-4, 0.0, std)}


@stays_finite_where_almost_all_is_known.inputs
def _(rng):
    """At the trials themselves, and without noise: every variance is 0, up to rounding, in float32 too."""
    x = 0.4 * np.arange(30) + rng.uniform(-0.02, 0.02, 30)
    given = trials_of_a_process(rng, 30, 1)
    return given | {"x": x, "y": np.sin(x), "x_new": x, "length": 0.7, "noise": 0.0}


@probe("expected_improvement", cases=2)
def weighs_the_gain_by_its_probability(s, mu, sd, best, xi):
    return {"improvement": s.expected_improvement(mu, sd, best, xi)}


@weighs_the_gain_by_its_probability.inputs
def _(rng):
    """Some means are above best - xi and some below; no deviation is near 1."""
    mu = rng.permutation([-0.4, 0.2, 0.7, 1.1, 1.6, 2.3]) + rng.uniform(-0.1, 0.1, 6)
    sd = rng.permutation([0.3, 0.4, 0.6, 1.5, 1.8, 2.2]) + rng.uniform(-0.05, 0.05, 6)
    return {"mu": mu, "sd": sd, "best": float(rng.uniform(0.7, 0.9)), "xi": float(rng.uniform(0.2, 0.4))}


@probe("expected_improvement", cases=1)
def has_no_margin_if_none_is_given(s, mu, sd, best):
    return {"improvement": s.expected_improvement(mu, sd, best)}


@has_no_margin_if_none_is_given.inputs
def _(rng):
    return {"mu": rng.uniform(-1, 1, (2, 3)), "sd": rng.uniform(1.4, 2.2, (2, 3)), "best": -0.3}


@probe("expected_improvement", cases=1)
def leaves_nothing_to_chance_where_sd_is_0(s, mu, sd, best, xi):
    return {"improvement": s.expected_improvement(mu, sd, best, xi)}


@leaves_nothing_to_chance_where_sd_is_0.inputs
def _(rng):
    """Better, worse, and exactly as good, each with sd = 0; and others, better and worse, in between."""
    mu = np.array([0.25, 1.7, 2.9, -0.6, 0.9, -0.3]) + np.array([0, *rng.uniform(-0.1, 0.1, 5)])
    return {"mu": mu, "sd": np.array([0.0, 0.0, 1.6, 0.0, 0.4, 0.7]), "best": 0.5, "xi": 0.25}


@probe("expected_improvement", cases=1)
def takes_one_candidate(s, mu, sd, best, xi):
    return {
        "improvement": s.expected_improvement(mu, sd, best, xi),
        "improvement_with_sd_0": s.expected_improvement(mu, 0.0 * sd, best, xi),
    }


@takes_one_candidate.inputs
def _(rng):
    """A large margin and a deviation far from 1, so that z decides."""
    mu, sd = rng.uniform(0.2, 0.4, 1), rng.uniform(0.3, 0.4, 1)
    return {"mu": mu, "sd": sd, "best": float(rng.uniform(1.2, 1.3)), "xi": float(rng.uniform(0.55, 0.65))}


def winner(s, validation, test):
    names = ("place", "validation_accuracy", "test_accuracy")
    found = several(s.winners_curse(validation, test), *names)
    return {name: number(found[name], name) for name in names}


def right_answers(rng, counts, n):
    """Which of n images each model is right on: as many as its count says."""
    return np.array([rng.permutation(np.arange(n) < count) for count in counts])


@probe("winners_curse", cases=2)
def chooses_by_validation_and_reports_both(s, validation, test):
    return winner(s, validation, test)


@chooses_by_validation_and_reports_both.inputs
def _(rng):
    """The chosen one is neither the first nor the last, and has a middling test accuracy.

    Test images alone choose another, and both sets together a third."""
    order = rng.permutation(6)
    order = np.roll(order, 2 - np.argmax(order))
    on_test = np.array([4, 15, 7, 13, 6, 8])[order]
    return {
        "validation": right_answers(rng, 9 + 2 * order, 23),
        "test": right_answers(rng, on_test, 17),
    }


@probe("winners_curse", cases=1)
def chooses_the_first_of_equally_good_models(s, validation, test):
    return winner(s, validation, test)


@chooses_the_first_of_equally_good_models.inputs
def _(rng):
    """A later one of the three best is better on the test images; the best there is none of the three."""
    on_test = np.array([13, 7, 5, 11, 9]) - rng.integers(0, 3)
    return {
        "validation": right_answers(rng, [10, 14, 8, 14, 14], 19),
        "test": right_answers(rng, on_test, 16),
    }


# A mistake that writes into the argument stands below as a broken function and not in `wrong`:
# the engine serves those from another process, where the arguments are copies.


@probe(
    "test_expected_improvement",
    judges="expected_improvement",
    wrong=(
        "HP6",
        "HP7",
        "HP8",
        "HP9",
        "HP11",
        "EI-no-xi",
        "EI-xi-added",
        "EI-xi-after",
        "EI-variance-outside",
        "EI-clipped",
        "EI-explores",
        "EI-z-only",
        "EI-no-sd",
        "EI-nan",
        "EI-zero",
        "EI-negative",
        "EI-default",
    ),
)
def accepts_a_right_improvement_and_rejects_wrong_ones(s, implementation):
    s.test_expected_improvement(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def deviation_of_1(right):
    """every deviation above 0 is taken for 1"""

    def wrong(mu, sd, best, xi=0.0):
        return right(mu, np.asarray(sd) ** 0 * (np.asarray(sd) > 0), best, xi)

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def two_percent_too_large(right):
    """every value is two percent too large"""

    def wrong(mu, sd, best, xi=0.0):
        return 1.02 * np.asarray(right(mu, sd, best, xi))

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def first_one_everywhere(right):
    """all values are that of the first place"""

    def wrong(mu, sd, best, xi=0.0):
        found = np.asarray(right(mu, sd, best, xi))
        return np.full_like(found, found.ravel()[0])

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def hopeless_places_get_0(right):
    """where the mean is above the best it is 0, however little is known there"""

    def wrong(mu, sd, best, xi=0.0):
        return np.where(np.asarray(mu) > best, 0.0, right(mu, sd, best, xi))

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def best_of_0(right):
    """the best is taken for 0"""

    def wrong(mu, sd, best, xi=0.0):
        return right(mu, sd, 0.0, xi)

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def lowest_mean_for_best(right):
    """the lowest mean is taken for the best"""

    def wrong(mu, sd, best, xi=0.0):
        return right(mu, sd, np.min(mu), xi)

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def margin_ignored(right):
    """the margin is not used"""

    def wrong(mu, sd, best, xi=0.0):
        return right(mu, sd, best)

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def certain_places_get_0(right):
    """where sd is 0 it is 0, even where the mean is far below the best"""

    def wrong(mu, sd, best, xi=0.0):
        return np.where(np.asarray(sd) == 0, 0.0, right(mu, sd, best, xi))

    return wrong


@accepts_a_right_improvement_and_rejects_wrong_ones.broken
def deviations_overwritten(right):
    """the values are right, but the array of deviations is overwritten"""

    def wrong(mu, sd, best, xi=0.0):
        found = right(mu, np.array(sd), best, xi)
        if np.ndim(sd):
            sd[...] = 1.0
        return found

    return wrong
