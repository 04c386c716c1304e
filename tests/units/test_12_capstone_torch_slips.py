"""The PyTorch capstone's checks: slips in other hands, and what a student is told of each."""

import numpy as np
import pytest

SOLVED = ("12-capstone", "capstone_torch")

VIEWS = (
    "rows = []\n    for model in models:\n"
    "        for v in (x, x.flip(3)):\n"
    "            rows.append(torch.cat([model(b).softmax(1) for b in v.split(batch)]).detach())\n    "
)
PAIRS = "[train(frozenset(tricks), s) for s in seeds]"
SPEND = "start, longest, n, spent = time.perf_counter(), 0, 0, 0\n    "

SLIPS = {
    "a NumPy array by way of float32": (
        "to_network",
        "TN-array",
        "x = (images.astype(np.float32) / 255 - mean) / std\n"
        "    return np.moveaxis(x, -1, 1).astype(np.float32)",
    ),
    "the counter as a number": (
        "pack",
        "PK-tensors",
        "return {k: v.half().numpy() if v.is_floating_point() else v.item()"
        " for k, v in model.state_dict().items()}",
    ),
    "a loop that trusts the file": (
        "unpack",
        "UN-unchecked",
        "with torch.no_grad():\n        for k, v in model.state_dict().items():\n"
        "            v[...] = torch.from_numpy(np.asarray(arrays[k]))",
    ),
    "too large by another width": (
        "build_network",
        "BN-too-large",
        "return network(Tricks(batch_norm=True), 15, seed)",
    ),
    "too large, of layers of one's own": (
        "build_network",
        "BN-too-large",
        "torch.manual_seed(seed)\n    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 100), nn.ReLU(), "
        "nn.Linear(100, 10))",
    ),
    "a softmax at the end of another network": (
        "build_network",
        "BN-softmax",
        "torch.manual_seed(seed)\n    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10), nn.Softmax(1))",
    ),
    "another clock": (
        "train_within",
        "TW-other-clock",
        "import time\n    " + SPEND + "while spent + longest <= seconds:\n"
        "        epoch(spent / seconds)\n        now = time.perf_counter() - start\n"
        "        longest, spent, n = max(longest, now - spent), now, n + 1\n    return n",
    ),
    "no eval, views outside of batches": (
        "mean_probabilities",
        "MP-no-eval",
        VIEWS + "return torch.stack(rows).mean(dim=0)",
    ),
    "an array of probabilities": (
        "mean_probabilities",
        "MP-numpy",
        "was = [(m, m.training) for model in models for m in model.modules()]\n"
        "    [model.eval() for model in models]\n    " + VIEWS + "for m, mode in was:\n"
        "        m.training = mode\n    return np.mean([r.numpy() for r in rows], axis=0)",
    ),
    "a list of losses for each trick": (
        "leave_one_out",
        "LO-list-of-losses",
        f"whole = {PAIRS}\n    return {{t: [a - train(frozenset(tricks) - {{t}}, s)"
        " for a, s in zip(whole, seeds)] for t in tricks}",
    ),
    "the letters of a name are left out": (
        "leave_one_out",
        "LO-letters",
        f"whole = np.array({PAIRS})\n"
        "    return {t: whole - np.array([train(frozenset(tricks).difference(t), s)"
        " for s in seeds]) for t in tricks}",
    ),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_called_by_its_name(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    for asked in questions:
        failed = {v.probe: v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert set(failed.values()) == {mistake}, failed


STATEMENTS = {
    "the mean first": "return mean_probabilities([build_network()], to_network("
    "images, weights['mean'], weights['std']), 9).argmax(1).numpy()",
    "the weights first": "model = build_network()\n    unpack(model, weights)\n"
    "    return model.eval()(to_network(images, 0, 1)).argmax(1).numpy()",
}


@pytest.mark.parametrize("body", STATEMENTS.values(), ids=STATEMENTS)
def test_who_has_not_trained_yet_is_told_that_there_is_no_file(body, notebook, questions):
    names = notebook.with_body("predict", body) | {"weights": {}}
    names["predict"].__globals__["weights"] = {}
    for verdict in notebook.verdicts(names, "predict", questions[0]):
        assert verdict.message.startswith("FileNotFoundError: the cell of section 9 has found no"), verdict


def test_a_network_that_fits_with_8_bits_only_is_sent_to_section_5(notebook, questions):
    names = notebook.with_body("build_network", "return network(Tricks(batch_norm=True), 16, seed)")
    told = [v for v in notebook.verdicts(names, "build_network", questions[0]) if not v.passed]
    says = {p.mistake.id: p.mistake.says for p in notebook.unit.patches}
    assert {v.mistake for v in told} == {"BN-too-large"}
    assert "section 5" in says["BN-too-large"]


def test_labels_that_are_no_class_show_whatever_a_network_says(notebook):
    """A weak network may never say 9: labels from 1 to 10 would look right."""
    probe = next(p for p in notebook.unit.probes.values() if p.of == "test_predict")
    wrong = next(b for b in probe.breakers if b.__name__ == "ten_too_large")
    assert (wrong(lambda images: np.zeros(len(images), dtype=int))(range(4)) > 9).all()
