"""What the checks ask of the NumPy notebook, and the inputs they ask it on.

Inputs: several steps, gradients that change their sign and size (a spike, then small ones), learning rates
that change, an eps that can be seen, and settings that are neither a half nor each other's complement."""

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


def signed(rng, low, high, *shape):
    """Numbers of both signs, none near zero."""
    return rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def weights(rng, *shape):
    return signed(rng, 1, 3, *shape)


def steps_to_take(rng, *shape):
    """Weights, and gradients and rates of eight steps: a spike, then small ones; the rate falls and rises."""
    sizes = np.array([1, 0.6, 6, 0.5, 0.2, 0.3, 0.1, 0.4]).reshape(8, *[1] * len(shape))
    rates = np.array([1, 1, 0.5, 0.5, 2, 0.3, 0.3, 1.5]) * rng.uniform(0.1, 0.2)
    return {"w": weights(rng, *shape), "gradients": sizes * signed(rng, 0.5, 1.5, 8, *shape), "rates": rates}


def one_step(rng, *shape):
    """Weights, a gradient and a rate in the middle of a training."""
    dw, lr = signed(rng, 0.4, 1.5, *shape), float(rng.uniform(0.2, 0.4))
    return {"w": weights(rng, *shape), "dw": dw, "lr": lr}


def visible_eps(rng):
    """So large that its square in the root is seen, too."""
    return float(rng.uniform(0.15, 0.3))


def decay(rng):
    """How much is kept: not near a half, nor what is usual."""
    return float(rng.uniform(0.65, 0.8))


def two_decays(rng):
    return {"beta1": decay(rng), "beta2": float(rng.uniform(0.86, 0.94))}


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


@finds_the_limit_of_the_rate.inputs
@finds_the_best_rate.inputs
@finds_the_factor_per_step.inputs
def _(rng):
    """Neither the first nor the last is an extreme one."""
    low, high = rng.uniform(0.3, 0.6), rng.uniform(4, 9)
    inner = rng.uniform(1, 3, 3)
    return {"curvatures": np.array([inner[0], *rng.permutation([low, high, inner[1]]), inner[2]])}


@probe("good_rates", cases=1)
def needs_one_step_only_where_all_curvatures_are_equal(s, equal, unequal):
    """With equal curvatures alone many a wrong factor is the same 1: they are asked for both."""
    largest, best, factor = zip(*[s.good_rates(c) for c in (equal, unequal)], strict=True)
    return {"largest": np.array(largest), "best": np.array(best), "factor": np.array(factor)}


@needs_one_step_only_where_all_curvatures_are_equal.inputs
def _(rng):
    equal = np.full(3, float(rng.integers(3, 9)))
    return {"equal": equal, "unequal": equal * rng.permutation([0.3, 1.4, 2])}


@probe("momentum")
def steps_along_the_velocity(s, w, gradients, rates, mu):
    return {"w": walk(s.momentum, w, gradients, rates, mu)}


@steps_along_the_velocity.inputs
def _(rng):
    return {**steps_to_take(rng, 3, 4), "mu": decay(rng)}


@probe("momentum")
def goes_on_with_a_given_velocity(s, w, dw, state, lr, mu):
    w, state = one(s.momentum, w, dw, state, lr, mu)
    return {"w": w, **held(state, "v")}


@goes_on_with_a_given_velocity.inputs
def _(rng):
    return {**one_step(rng, 5), "state": {"v": weights(rng, 5)}, "mu": decay(rng)}


def side_by_side(optimizer, w, gradients, rates, *settings):
    """The last weights of two parameters that take their steps in turn, each with a state of its own."""
    (first, second), (mine, yours) = w, ({}, {})
    for (dw, other), lr in zip(gradients, rates, strict=True):
        first, mine = one(optimizer, first, dw, mine, lr, *settings)
        second, yours = one(optimizer, second, other, yours, lr, *settings)
    return {"first": first, "second": second}


@probe("momentum", cases=1, hidden=True)
def moves_two_parameters_by_their_own_velocities(s, w, gradients, rates, mu):
    return side_by_side(s.momentum, w, gradients, rates, mu)


@moves_two_parameters_by_their_own_velocities.inputs
def _(rng):
    return {**steps_to_take(rng, 2, 3), "mu": decay(rng)}


@probe("nesterov")
def steps_along_the_gradient_and_the_new_velocity(s, w, gradients, rates, mu):
    return {"w": walk(s.nesterov, w, gradients, rates, mu)}


@steps_along_the_gradient_and_the_new_velocity.inputs
def _(rng):
    return {**steps_to_take(rng, 3, 4), "mu": decay(rng)}


@probe("nesterov")
def looks_ahead_with_a_given_velocity(s, w, dw, state, lr, mu):
    w, state = one(s.nesterov, w, dw, state, lr, mu)
    return {"w": w, **held(state, "v")}


@looks_ahead_with_a_given_velocity.inputs
def _(rng):
    return {**one_step(rng, 5), "state": {"v": weights(rng, 5)}, "mu": decay(rng)}


@probe("adagrad")
def divides_by_the_root_of_the_sum(s, w, gradients, rates, eps):
    return {"w": walk(s.adagrad, w, gradients, rates, eps)}


@divides_by_the_root_of_the_sum.inputs
def _(rng):
    return {**steps_to_take(rng, 3, 4), "eps": visible_eps(rng)}


def squares(rng, *shape):
    """Sums or averages of squared gradients, in the middle of a training."""
    return rng.uniform(0.1, 2, shape)


@probe("adagrad")
def adds_to_a_given_sum(s, w, dw, state, lr, eps):
    w, state = one(s.adagrad, w, dw, state, lr, eps)
    return {"w": w, **held(state, "s")}


@adds_to_a_given_sum.inputs
def _(rng):
    return {**one_step(rng, 5), "state": {"s": squares(rng, 5)}, "eps": visible_eps(rng)}


def with_zeros(rng, *shape):
    """The first gradient of some weights is exactly zero."""
    inputs = steps_to_take(rng, *shape)
    inputs["gradients"][0].flat[:: rng.integers(2, 4)] = 0
    return inputs


@probe("adagrad", cases=1)
def stays_where_the_first_gradient_is_zero(s, w, gradients, rates, eps):
    return {"w": walk(s.adagrad, w, gradients, rates, eps)}


@stays_where_the_first_gradient_is_zero.inputs
def _(rng):
    return {**with_zeros(rng, 7), "eps": visible_eps(rng)}


@probe("rmsprop")
def divides_by_the_root_of_the_average(s, w, gradients, rates, rho, eps):
    return {"w": walk(s.rmsprop, w, gradients, rates, rho, eps)}


@divides_by_the_root_of_the_average.inputs
def _(rng):
    return {**steps_to_take(rng, 3, 4), "rho": decay(rng), "eps": visible_eps(rng)}


@probe("rmsprop")
def goes_on_with_a_given_average(s, w, dw, state, lr, rho, eps):
    w, state = one(s.rmsprop, w, dw, state, lr, rho, eps)
    return {"w": w, **held(state, "s")}


@goes_on_with_a_given_average.inputs
def _(rng):
    return {**one_step(rng, 5), "state": {"s": squares(rng, 5)}, "rho": decay(rng), "eps": visible_eps(rng)}


@probe("rmsprop", cases=1)
def rests_where_the_first_gradient_is_zero(s, w, gradients, rates, rho, eps):
    return {"w": walk(s.rmsprop, w, gradients, rates, rho, eps)}


@rests_where_the_first_gradient_is_zero.inputs
def _(rng):
    return {**with_zeros(rng, 7), "rho": decay(rng), "eps": visible_eps(rng)}


@probe("adam")
def steps_with_corrected_averages(s, w, gradients, rates, beta1, beta2, eps):
    return {"w": walk(s.adam, w, gradients, rates, beta1, beta2, eps)}


@steps_with_corrected_averages.inputs
def _(rng):
    return {**steps_to_take(rng, 3, 4), **two_decays(rng), "eps": visible_eps(rng)}


def middle_of_adam(rng, *shape):
    """The state of Adam after some steps, and the next step."""
    averages = {"m": signed(rng, 0.2, 0.9, *shape), "s": squares(rng, *shape)}
    state = {**averages, "t": int(rng.integers(3, 6))}
    return {**one_step(rng, *shape), "state": state, **two_decays(rng), "eps": visible_eps(rng)}


@probe("adam")
def goes_on_from_a_given_state(s, w, dw, state, lr, beta1, beta2, eps):
    w, state = one(s.adam, w, dw, state, lr, beta1, beta2, eps)
    return {"w": w, **held(state, "m", "s", "t")}


@goes_on_from_a_given_state.inputs
def _(rng):
    return middle_of_adam(rng, 5)


@probe("adam", cases=1)
def takes_no_step_where_all_gradients_were_zero(s, w, gradients, rates, beta1, beta2, eps):
    return {"w": walk(s.adam, w, gradients, rates, beta1, beta2, eps)}


@takes_no_step_where_all_gradients_were_zero.inputs
def _(rng):
    return {**with_zeros(rng, 7), **two_decays(rng), "eps": visible_eps(rng)}


@probe("adam", cases=1, hidden=True)
def moves_two_parameters_by_their_own_averages(s, w, gradients, rates, beta1, beta2, eps):
    return side_by_side(s.adam, w, gradients, rates, beta1, beta2, eps)


@moves_two_parameters_by_their_own_averages.inputs
def _(rng):
    return {**steps_to_take(rng, 2, 3), **two_decays(rng), "eps": visible_eps(rng)}


@probe("uncorrected_ratio")
def compares_the_two_steps(s, beta1, beta2, steps):
    return {"ratio": s.uncorrected_ratio(beta1, beta2, steps)}


@compares_the_two_steps.inputs
def _(rng):
    steps = np.array([1, 2, 3, 5, 8, 30]) + rng.integers(0, 2, 6) * [0, 0, 0, 1, 1, 5]
    return {**two_decays(rng), "steps": steps}


@probe("adamw")
def shrinks_the_weights_and_steps_like_adam(s, w, gradients, rates, beta1, beta2, eps, weight_decay):
    return {"w": walk(s.adamw, w, gradients, rates, beta1, beta2, eps, weight_decay)}


@shrinks_the_weights_and_steps_like_adam.inputs
def _(rng):
    settings = {**two_decays(rng), "eps": visible_eps(rng), "weight_decay": float(rng.uniform(0.2, 0.4))}
    return {**steps_to_take(rng, 3, 4), **settings}


@probe("adamw")
def keeps_the_decay_out_of_the_state(s, w, dw, state, lr, beta1, beta2, eps, weight_decay):
    w, state = one(s.adamw, w, dw, state, lr, beta1, beta2, eps, weight_decay)
    return {"w": w, **held(state, "m", "s", "t")}


@keeps_the_decay_out_of_the_state.inputs
def _(rng):
    return {**middle_of_adam(rng, 5), "weight_decay": float(rng.uniform(0.2, 0.4))}


def hessian(rng, curvatures):
    """A symmetric matrix with these eigenvalues, and none of its entries near zero."""
    D = len(curvatures)
    while True:
        basis, _ = np.linalg.qr(rng.normal(size=(D, D)))
        H = basis * curvatures @ basis.T
        if np.abs(H).min() > 0.1:
            return (H + H.T) / 2


def at_a_point(rng, H):
    return {"w": weights(rng, len(H)), "dw": signed(rng, 0.5, 2, len(H)), "H": H}


# rtol 1e-7 below: an inverse rounds more than the solution of a system
@probe("newton", rtol=1e-7)
def solves_with_the_hessian(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@solves_with_the_hessian.inputs
def _(rng):
    H = hessian(rng, rng.permutation(rng.uniform(0.9, 1.1, 4) * [0.7, 1.5, 3, 6]))
    return {**at_a_point(rng, H), "damping": 0.0}


@probe("newton", rtol=1e-7)
def adds_the_damping_to_the_diagonal(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@adds_the_damping_to_the_diagonal.inputs
def _(rng):
    H = hessian(rng, rng.permutation(rng.uniform(0.9, 1.1, 4) * [0.7, 1.5, 3, 6]))
    return {**at_a_point(rng, H), "damping": float(rng.uniform(0.3, 0.5))}


@probe("newton", cases=2, rtol=1e-7)
def goes_to_a_saddle_all_the_same(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@goes_to_a_saddle_all_the_same.inputs
def _(rng):
    H = hessian(rng, rng.permutation(rng.uniform(0.9, 1.1, 4) * [-2.5, 1.5, 3, 6]))
    uphill = np.linalg.eigh(H)[1][:, 0] * 4  # mostly along the negative curvature: there the step goes uphill
    point = at_a_point(rng, H)
    return {**point, "dw": point["dw"] / 4 + uphill, "damping": 0.0}


@probe("newton", cases=1, rtol=1e-7)
def needs_the_damping_where_the_hessian_is_singular(s, w, dw, H, damping):
    return {"w": s.newton(w, dw, H, damping)}


@needs_the_damping_where_the_hessian_is_singular.inputs
def _(rng):
    a = signed(rng, 1, 2, 3)
    return {**at_a_point(rng, np.outer(a, a)), "damping": float(rng.uniform(0.3, 0.5))}


# Mistakes that write into the arguments stand below as broken functions and not in `wrong`:
# the engine serves those from another process, where the arguments are copies.
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


def averages(rng):
    """Two betas, not each other's complement, far from a half and not the usual ones."""
    return [float(rng.uniform(0.65, 0.8)), float(rng.uniform(0.86, 0.94))]
