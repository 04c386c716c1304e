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


@probe("log_uniform", cases=2)
def is_uniform_on_a_log_scale(s, u, low, high):
    return {"values": s.log_uniform(u, low, high)}


@probe("log_uniform", cases=1)
def takes_one_number_and_any_shape(s, u, table, low, high):
    return {"value": s.log_uniform(u, low, high), "values": s.log_uniform(table, low, high)}


@probe("log_uniform", cases=1)
def goes_from_low_to_high_above_1_too(s, u, low, high):
    return {"values": s.log_uniform(u, low, high)}


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


@probe("sample", cases=1)
def takes_each_choice_equally_often(s, u, space):
    return drawn(s, u, space)


@probe("sample", cases=1)
def gives_each_name_its_own_column(s, u, space):
    return drawn(s, u, space)


def counts(s, share, confidence):
    pairs = zip(share, confidence, strict=True)
    return {"trials": np.array([number(s.trials_needed(q, c), "trials") for q, c in pairs])}


@probe("trials_needed", cases=2)
def counts_trials_for_a_small_share(s, share, confidence):
    return counts(s, share, confidence)


@probe("trials_needed", cases=1)
def counts_trials_for_a_large_share(s, share, confidence):
    return counts(s, share, confidence)


@probe("trials_needed", cases=1)
def needs_no_trial_more_where_it_comes_out_even(s, share, confidence):
    return counts(s, share, confidence)


@probe("best_trial", cases=2)
def passes_over_nan(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


@probe("best_trial", cases=1)
def passes_over_infinite_losses(s, losses, negative):
    places = s.best_trial(losses), s.best_trial(negative)
    return {"place": number(places[0], "place"), "place_of_negative_losses": number(places[1], "place")}


@probe("best_trial", cases=1)
def takes_any_finite_loss_however_large(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


@probe("best_trial", cases=1)
def takes_the_first_of_equal_losses(s, losses):
    return {"place": number(s.best_trial(losses), "place")}


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


@probe("expected_best", cases=2)
def averages_over_all_draws(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


@probe("expected_best", cases=1)
def takes_one_number_of_trials(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


@probe("expected_best", cases=1)
def counts_equal_scores_as_often_as_they_occur(s, scores, n):
    return {"expected": s.expected_best(scores, n)}


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


@probe("successive_halving", cases=2)
def keeps_the_best_and_gives_them_more(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@probe("successive_halving", cases=1)
def trains_the_last_one_too(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@probe("successive_halving", cases=1)
def keeps_the_first_of_equal_losses(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@probe("successive_halving", cases=1)
def keeps_the_order_of_configs_in_later_rungs(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@probe("successive_halving", cases=1)
def counts_its_rungs_without_rounding_errors(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


@probe("successive_halving", cases=1)
def has_one_rung_where_none_would_be_kept(s, final, extra, diverges, budget, eta):
    return halved(s, final, extra, diverges, budget, eta)


def posterior(s, x, y, x_new, length, scale, noise):
    return several(s.gp_posterior(x, y, x_new, length, scale, noise), "mean", "std")


@probe("gp_posterior", cases=2)
def expects_what_the_trials_say(s, x, y, x_new, length, scale, noise):
    return {"mean": posterior(s, x, y, x_new, length, scale, noise)["mean"]}


@probe("gp_posterior", cases=2)
def knows_how_sure_it_is(s, x, y, x_new, length, scale, noise):
    return {"std": posterior(s, x, y, x_new, length, scale, noise)["std"]}


@probe("gp_posterior", cases=1)
def knows_nothing_far_away_and_much_at_the_trials(s, x, y, x_new, length, scale, noise):
    return posterior(s, x, y, x_new, length, scale, noise)


@probe("gp_posterior", cases=1)
def takes_one_trial_and_one_place(s, x, y, x_new, length, scale, noise):
    return posterior(s, x, y, x_new, length, scale, noise)


@probe("gp_posterior", cases=1)
def stays_finite_where_almost_all_is_known(s, x, y, x_new, length, scale, noise):
    std = np.asarray(posterior(s, x, y, x_new, length, scale, noise)["std"])
    return {"no_std_is_nan": np.isfinite(std).all(), "std_but_for_rounding": np.where(std < 9e-4, 0.0, std)}


@probe("expected_improvement", cases=2)
def weighs_the_gain_by_its_probability(s, mu, sd, best, xi):
    return {"improvement": s.expected_improvement(mu, sd, best, xi)}


@probe("expected_improvement", cases=1)
def has_no_margin_if_none_is_given(s, mu, sd, best):
    return {"improvement": s.expected_improvement(mu, sd, best)}


@probe("expected_improvement", cases=1)
def leaves_nothing_to_chance_where_sd_is_0(s, mu, sd, best, xi):
    return {"improvement": s.expected_improvement(mu, sd, best, xi)}


@probe("expected_improvement", cases=1)
def takes_one_candidate(s, mu, sd, best, xi):
    return {
        "improvement": s.expected_improvement(mu, sd, best, xi),
        "improvement_with_sd_0": s.expected_improvement(mu, 0.0 * sd, best, xi),
    }


def winner(s, validation, test):
    names = ("place", "validation_accuracy", "test_accuracy")
    found = several(s.winners_curse(validation, test), *names)
    return {name: number(found[name], name) for name in names}


@probe("winners_curse", cases=2)
def chooses_by_validation_and_reports_both(s, validation, test):
    return winner(s, validation, test)


@probe("winners_curse", cases=1)
def chooses_the_first_of_equally_good_models(s, validation, test):
    return winner(s, validation, test)


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
