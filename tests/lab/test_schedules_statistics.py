"""Networks of unit 08 that are tested with running statistics of their last weights."""

import dataclasses
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lab.experiments import schedules  # noqa: E402
from lab.experiments import schedules_measures as measures  # noqa: E402
from lab.experiments import schedules_statistics as statistics  # noqa: E402


@pytest.fixture(scope="module")
def run() -> tuple[schedules.Settings, dict[str, Any]]:
    at = next(at for at in statistics.plan("tiny") if at.part == "epochs")
    return at, statistics.measured(at, "tiny")


def test_the_first_test_is_that_of_the_study(run: Any) -> None:
    at, found = run
    study = schedules.run(at, "tiny")
    for key in ("loss", "test_accuracy", "test_loss", *dataclasses.asdict(at)):
        assert found[key] == study[key]


def test_the_second_test_has_the_mean_and_the_variance_of_the_images_with_the_last_weights(run: Any) -> None:
    at, found = run
    of, data = schedules.SIZES["tiny"], schedules.images("photos", "tiny")
    net = schedules.network("BN", at.seed)
    steps = of.batch_epochs * of.train // at.batch
    optimizer = torch.optim.SGD(net.parameters(), at.rate, momentum=0.9)
    net.train()
    for x, y in schedules.batches(data, at.batch, steps, at.seed):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert of.train == 128, "one batch of 128 images gives the statistics"
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        net(data.train_x)
    loss, right = measures.evaluate(net, data.test_x, data.test_y)
    assert found["again_loss"] == pytest.approx(loss, rel=1e-3)
    assert found["again_accuracy"] == pytest.approx(right, abs=0.02)
    assert found["again_loss"] != pytest.approx(found["test_loss"], rel=1e-3)


def test_a_study_goes_on_where_it_was_cut_off(run: Any) -> None:
    marked = run[1] | {"again_loss": 17.0}
    first = next(statistics.study("tiny", begun={"runs": [marked]}))
    assert len(first["runs"]) == 2 and first["runs"][0] == marked
    assert first["runs"][1]["part"] == "schedules" and first["about"]["size"] == "tiny"


def test_settings_that_no_run_has_are_named(run: Any) -> None:
    with pytest.raises(ValueError, match=r"batch.*7"):
        statistics.of({"runs": [run[1]]}, batch=7)
    assert statistics.of({"runs": [run[1]] * 2}, part="epochs")["loss"]["mean"] == run[1]["loss"][-1]
