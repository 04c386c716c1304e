import numpy as np
from autograder import probe


def one(optimizer, *arguments):
    """What one step returns: the new weights and the new state. TypeError where it is something else."""
    answer = optimizer(*arguments)
    values = answer if isinstance(answer, (tuple, list)) else [answer]
    if len(values) != 2 or not isinstance(values[1], dict):
        kinds = ", ".join(type(value).__name__ for value in values)
        raise TypeError(f"a step returns the new w and a dictionary, yours returned: {kinds}")
    return answer


def held(state, *keys):
    """What a returned state holds under these keys. An empty one is another error than a key of one's own."""
    if not state:
        raise ValueError("the state that your step returns is empty")
    for key in keys:
        if key not in state:
            raise LookupError(
                f'the state that your step returns has no "{key}", only {", ".join(map(str, state))}'
            )
    return {key: 1.0 * np.array(state[key]) for key in keys}


def walk(optimizer, w, gradients, rates, *settings):
    """The weights after each step, (steps, ...)."""
    state, points = {}, []
    for dw, lr in zip(gradients, rates, strict=True):
        w, state = one(optimizer, w, dw, state, lr, *settings)
        points.append(np.array(w))
    return np.stack(points)


@probe("good_rates")
def finds_the_limit_of_the_rate(s, curvatures):
    largest, _best, _factor = s.good_rates(curvatures)
    return {"largest": largest}


@probe("good_rates")
def finds_the_best_rate(s, curvatures):
    _largest, best, _factor = s.good_rates(curvatures)
    return {"best": best}


@probe("good_rates")
def finds_the_factor_per_step(s, curvatures):
    _largest, _best, factor = s.good_rates(curvatures)
    return {"factor": factor}


@probe("good_rates", cases=1)
def needs_one_step_only_where_all_curvatures_are_equal(s, equal, unequal):
    """With equal curvatures alone many a wrong factor is the same 1: they are asked for both."""
    largest, best, factor = zip(*[s.good_rates(c) for c in (equal, unequal)], strict=True)
    return {"largest": np.array(largest), "best": np.array(best), "factor": np.array(factor)}


@probe("momentum")
def steps_along_the_velocity(s, w, gradients, rates, mu):
    return {"w": walk(s.momentum, w, gradients, rates, mu)}


@probe("momentum")
def goes_on_with_a_given_velocity(s, w, dw, state, lr, mu):
    w, state = one(s.momentum, w, dw, state, lr, mu)
    return {"w": w, **held(state, "v")}


@probe("nesterov")
def steps_along_the_gradient_and_the_new_velocity(s, w, gradients, rates, mu):
    return {"w": walk(s.nesterov, w, gradients, rates, mu)}


@probe("nesterov")
def looks_ahead_with_a_given_velocity(s, w, dw, state, lr, mu):
    w, state = one(s.nesterov, w, dw, state, lr, mu)
    return {"w": w, **held(state, "v")}


@probe("adagrad")
def divides_by_the_root_of_the_sum(s, w, gradients, rates, eps):
    return {"w": walk(s.adagrad, w, gradients, rates, eps)}


@probe("adagrad")
def adds_to_a_given_sum(s, w, dw, state, lr, eps):
    w, state = one(s.adagrad, w, dw, state, lr, eps)
    return {"w": w, **held(state, "s")}


@probe("adagrad", cases=1)
def stays_where_the_first_gradient_is_zero(s, w, gradients, rates, eps):
    return {"w": walk(s.adagrad, w, gradients, rates, eps)}


@probe("rmsprop")
def divides_by_the_root_of_the_average(s, w, gradients, rates, rho, eps):
    return {"w": walk(s.rmsprop, w, gradients, rates, rho, eps)}


@probe("rmsprop")
def goes_on_with_a_given_average(s, w, dw, state, lr, rho, eps):
    w, state = one(s.rmsprop, w, dw, state, lr, rho, eps)
    return {"w": w, **held(state, "s")}


@probe("rmsprop", cases=1)
def rests_where_the_first_gradient_is_zero(s, w, gradients, rates, rho, eps):
    return {"w": walk(s.rmsprop, w, gradients, rates, rho, eps)}


@probe("adam")
def steps_with_corrected_averages(s, w, gradients, rates, beta1, beta2, eps):
    return {"w": walk(s.adam, w, gradients, rates, beta1, beta2, eps)}


@probe("adam")
def goes_on_from_a_given_state(s, w, dw, state, lr, beta1, beta2, eps):
    w, state = one(s.adam, w, dw, state, lr, beta1, beta2, eps)
    return {"w": w, **held(state, "m", "s", "t")}


@probe("adam", cases=1)
def takes_no_step_where_all_gradients_were_zero(s, w, gradients, rates, beta1, beta2, eps):
    return {"w": walk(s.adam, w, gradients, rates, beta1, beta2, eps)}


@probe("uncorrected_ratio")
def compares_the_two_steps(s, beta1, beta2, steps):
    return {"ratio": s.uncorrected_ratio(beta1, beta2, steps)}


@probe("adamw")
def shrinks_the_weights_and_steps_like_adam(s, w, gradients, rates, beta1, beta2, eps, weight_decay):
    return {"w": walk(s.adamw, w, gradients, rates, beta1, beta2, eps, weight_decay)}


@probe("adamw")
def keeps_the_decay_out_of_the_state(s, w, dw, state, lr, beta1, beta2, eps, weight_decay):
    w, state = one(s.adamw, w, dw, state, lr, beta1, beta2, eps, weight_decay)
    return {"w": w, **held(state, "m", "s", "t")}


@probe("newton", rtol=1e-7)
def solves_with_the_hessian(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@probe("newton", rtol=1e-7)
def adds_the_damping_to_the_diagonal(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@probe("newton", cases=2, rtol=1e-7)
def goes_to_a_saddle_all_the_same(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@probe("newton", cases=1, rtol=1e-7)
def needs_the_damping_where_the_hessian_is_singular(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@probe(
    "test_adam",
    judges="adam",
    wrong=(
        "AD1",
        "AD2",
        "AD3",
        "AD4",
        "AD7",
        "AD8",
        "AD10",
        "AD13",
        "AD14",
        "AD15",
        "AD16",
        "AD17",
        "AD17-s",
        "AD18",
        "AD19",
        "AD20",
        "AD21",
        "AD22",
        "AD-no-power",
        "AD-t-kept",
        "AD-stored-hat",
        "AD-shared",
        "AD-same-state",
        "AD-rate-by-root-t",
    ),
)
def accepts_a_right_adam_and_rejects_wrong_ones(s, implementation):
    s.test_adam(implementation)
    return {"accepts": np.array(True)}


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def no_correction(right):
    """the averages are not corrected (after very many steps nobody sees it)"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        late = {**(state or {"m": 0 * w, "s": 0 * w}), "t": 10**6}
        w, after = right(w, dw, late, lr, beta1, beta2, eps)
        return w, {**after, "t": state.get("t", 0) + 1}

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def state_never_read(right):
    """it forgets: each step is a first step (in the first one nobody sees it)"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, {}, lr, beta1, beta2, eps)

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def state_never_written(right):
    """it returns the state that it was given"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, state, lr, beta1, beta2, eps)[0], state

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def state_in_place(right):
    """it changes the dictionary that it was given, and returns it"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        w, after = right(w, dw, state, lr, beta1, beta2, eps)
        state.update(after)
        return w, state

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def weights_in_place(right):
    """it writes the new weights into the array that it was given"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        w[...], after = right(w, dw, state, lr, beta1, beta2, eps)
        return w, after

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def gradient_in_place(right):
    """it changes the gradient that it was given"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        answer = right(w, dw, state, lr, beta1, beta2, eps)
        dw *= lr
        return answer

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def betas_exchanged(right):
    """beta1 and beta2 are exchanged (where they are equal nobody sees it)"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, state, lr, beta2, beta1, eps)

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def betas_fixed(right):
    """beta1 is always 0.9 and beta2 always 0.999 (with just these nobody sees it)"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, state, lr, 0.9, 0.999, eps)

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def eps_fixed(right):
    """eps is always 1e-8 (where it is as small nobody sees it)"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, state, lr, beta1, beta2, 1e-8)

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def one_step_late(right):
    """the correction counts the first step as the second"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        start = state or {"m": 0 * w, "s": 0 * w, "t": 0}
        w, after = right(w, dw, {**start, "t": start["t"] + 1}, lr, beta1, beta2, eps)
        return w, {**after, "t": start["t"] + 1}

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def uphill(right):
    """it goes uphill"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        new, after = right(w, dw, state, lr, beta1, beta2, eps)
        return 2 * w - new, after

    return wrong


@accepts_a_right_adam_and_rejects_wrong_ones.broken
def no_state(right):
    """it returns the weights alone"""

    def wrong(w, dw, state, lr, beta1, beta2, eps):
        return right(w, dw, state, lr, beta1, beta2, eps)[0]

    return wrong
