"""Slips in the PyTorch notebook of unit 09, as students write them, none of them known: each is refused.

A slip is made from a right way in another hand: what stands there once is replaced.
"""

from textwrap import dedent

import pytest

from tests.units.right_ways_09_torch import WAYS

SOLVED = ("09-hyperparameters", "hyperparameters_torch")

STYLES = {
    "overfits_one_batch": "a closure, loaded from a state",
    "repaired_a": "the program with one line moved",
    "repaired_b": "the program with scores for the loss",
    "repaired_c": "the program with one more index",
    "repaired_d": "the program with two changes",
    "log_evidence": "two triangular solves, squared distances",
    "fit_gp": "three tensors, minus the evidence",
    "make_objective": "asked in another order, a counter",
}
STEP = "sgd.step()"
SLIPS = {
    "overfits_one_batch": {
        "the first losses are of the model, after the steps": (
            "clone(x), y).detach()\n    for",
            "model(x), y)\n    for",
        ),
        "half of the batch": (
            "F.nll_loss(clone(x).log_softmax(1), y)",
            "F.nll_loss(clone(x[::2]).log_softmax(1), y[::2])",
        ),
        "softmax over the batch": ("log_softmax(1)", "log_softmax(0)"),
        "AdamW": ("torch.optim.Adam(", "torch.optim.AdamW("),
        "weight decay": ("eps=1e-8", "eps=1e-8, weight_decay=0.01"),
        "the gradient is clipped": (
            "return loss\n",
            "nn.utils.clip_grad_norm_(clone.parameters(), 0.1)\n        return loss\n",
        ),
        "small losses take no step": (
            "loss.backward()",
            "(loss * (loss.detach() > 0.02)).backward()",
        ),
        "parameters are reset": ("adam = ", "clone[0].reset_parameters()\n    adam = "),
    },
    "repaired_a": {
        "only the last parameter is forgotten": ("sgd.zero_grad()", "list(net.parameters())[-1].grad = None"),
        "gradients are divided, not forgotten": (
            "sgd.zero_grad()",
            "[w.grad.mul_(0.5) for w in net.parameters() if w.grad is not None]",
        ),
        "the rate falls": ("curve.append", "sgd.param_groups[0]['lr'] /= 2\n        curve.append"),
        "one epoch less": ("range(epochs)", "range(epochs - 1)"),
        "two steps per batch": (STEP, STEP + "\n            " + STEP),
        "the last batch is left out": ("in batches:", "in batches[:-1] or batches:"),
    },
    "repaired_b": {
        "log of the scores": ("F.cross_entropy(scores, labels)", "F.nll_loss(scores, labels)"),
        "scores are scaled": ("scores = net(images)", "scores = 2 * net(images)"),
        "label smoothing": (
            "cross_entropy(scores, labels)",
            "cross_entropy(scores, labels, label_smoothing=0.1)",
        ),
        "the smallest probability": ("outputs.max(dim=1)", "outputs.min(dim=1)"),
        "sigmoid": ("F.softmax(scores, dim=1)", "torch.sigmoid(scores)"),
        "sure only where it is right": (
            "outputs.max(dim=1).values",
            "(outputs.argmax(1) == labels) * outputs.amax(1)",
        ),
    },
    "repaired_c": {
        "the order is shifted by one batch": (
            "labels = own_labels[start :",
            "labels = own_labels[max(start - 1, 0) :",
        ),
        "sorted labels": ("y[order]", "y[order].sort().values"),
        "the last order for the labels": ("y[order]", "y[orders[-1]]"),
        "backwards": ("range(0, len(x), batch_size)", "reversed(range(0, len(x), batch_size))"),
        "overlapping batches": ("len(x), batch_size)", "len(x), batch_size - 1)"),
    },
    "repaired_d": {
        "another part of the validation": (
            "net(validation[0]), validation[1]",
            "net(validation[0][1:]), validation[1][1:]",
        ),
        "the best of the last epochs": (
            "if held_out < least:",
            "if held_out < min(watched[-2:-1], default=least):",
        ),
        "half precision": ("value.clone()", "value.clone().half()"),
        "a margin": ("held_out < least", "held_out < 0.98 * least"),
        "one layer alone is kept": (
            "net.load_state_dict(best)",
            "net.load_state_dict({k: v for k, v in best.items() if k[0] == '0'}, strict=False)",
        ),
    },
    "log_evidence": {
        "noise added twice": ("noise**2 *", "2 * noise**2 *"),
        "length for both": ("scale**2 *", "length**2 *"),
        "a mean is subtracted": ("y.reshape(-1, 1)", "(y - y.mean()).reshape(-1, 1)"),
        "upper triangle": ("upper=False", "upper=True"),
        "jitter": ("noise**2 *", "(noise**2 + 1e-3) *"),
        "sum of the diagonal": ("torch.log(torch.diagonal(L)).sum()", "torch.log(torch.diagonal(L).sum())"),
        "scale outside": ("scale**2 * torch.exp", "torch.exp"),
    },
    "fit_gp": {
        "absolute evidence": ("-evidence(*logs)", "evidence(*logs).abs()"),
        "a logarithm of the evidence": ("-evidence(*logs)", "torch.exp(-evidence(*logs))"),
        "AMSGrad": ("lr=lr)", "lr=lr, amsgrad=True)"),
        "other betas": ("lr=lr)", "lr=lr, betas=(0.5, 0.9))"),
        "logs are clamped": ("adam.step()", "adam.step()\n        [log.data.clamp_(-1, 1) for log in logs]"),
        "a half step at the end": ("return tuple", "lr = lr / 2\n    adam.step()\n    return tuple"),
    },
    "make_objective": {
        "epochs are counted after the question": ("step=step)", "step=step + 1)"),
        "every other epoch is told": (
            "trial.report(value=last, step=step)",
            "step % 2 or trial.report(value=last, step=step)",
        ),
        "asked every other epoch": ("if trial.should_prune():", "if step % 2 and trial.should_prune():"),
        "the number of epochs": ("return last", "return step"),
        "a lost run gets a large number": ('raise Pruned("diverged")', "return 1e9"),
        "a lost run goes up": ('raise Pruned("diverged")', 'raise ValueError("diverged")'),
        "rounded": ("return last", "return round(last, 2)"),
        "a loss of a thousand counts as lost": ("math.isinf(last)", "last > 1e3"),
        "minus infinity is told": ("math.isinf(last)", "last == math.inf"),
        "momentum of the rate": ("momentum=1 - away", "momentum=1 - lr"),
    },
}
CASES = [(exercise, name) for exercise in SLIPS for name in SLIPS[exercise]]


def source(exercise):
    return dedent(WAYS[exercise][STYLES[exercise]])


@pytest.mark.parametrize(("exercise", "name"), CASES, ids=[f"{e}-{n}" for e, n in CASES])
def test_a_slip_that_no_catalogue_has_is_refused(exercise, name, notebook, questions):
    right, (find, replace) = source(exercise), SLIPS[exercise][name]
    assert right.count(find) == 1
    names = notebook.with_source(right.replace(find, replace))
    for asked in questions:
        assert not all(v.passed for v in notebook.verdicts(names, exercise, asked))
