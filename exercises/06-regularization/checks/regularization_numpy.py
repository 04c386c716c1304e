import numpy as np
from autograder import probe


@probe("add_l2")
def adds_the_penalty_to_the_loss(s, loss, dW, db, W, b, lam):
    total, _dW, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"loss": total}


@probe("add_l2")
def adds_its_gradient_to_that_of_the_weights(s, loss, dW, db, W, b, lam):
    _loss, gradient, _db = s.add_l2(loss, dW, db, W, b, lam)
    return {"dW": gradient}


@probe("add_l2", cases=2)
def leaves_the_gradient_of_the_bias_alone(s, loss, dW, db, W, b, lam):
    _loss, _dW, gradient = s.add_l2(loss, dW, db, W, b, lam)
    return {"db": gradient}


@probe("elastic_net")
def adds_up_the_mixed_penalty(s, W, lam, a):
    penalty, _gradient = s.elastic_net(W, lam, a)
    return {"penalty": penalty}


@probe("elastic_net")
def gives_the_gradient_of_the_mixed_penalty(s, W, lam, a):
    _penalty, gradient = s.elastic_net(W, lam, a)
    return {"gradient": gradient}


@probe("soft_threshold", cases=4)
def moves_every_number_towards_zero(s, v, t):
    return {"moved": s.soft_threshold(v, t)}


@probe("soft_threshold", cases=2)
def makes_exact_zeros(s, v, t):
    return {"is_zero": np.asarray(s.soft_threshold(v, t)) == 0}


@probe("soft_threshold", cases=1)
def leaves_numbers_alone_where_t_is_zero(s, v):
    return {"moved": s.soft_threshold(v, 0.0)}


@probe("smoothed_cross_entropy", rtol=1e-7)
def compares_with_the_smoothed_labels(s, scores, y, eps):
    loss, _dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss}


@probe("smoothed_cross_entropy", rtol=1e-7)
def gives_the_gradient_of_the_scores(s, scores, y, eps):
    _loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"dscores": dscores}


@probe("smoothed_cross_entropy", cases=2, rtol=1e-7)
def bears_large_scores(s, scores, y, eps):
    loss, dscores = s.smoothed_cross_entropy(scores, y, eps)
    return {"loss": loss, "dscores": dscores}
