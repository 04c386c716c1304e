"""Source networks: what is shipped, what is read from elsewhere, and how wrong files are refused."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")
nn = torch.nn

from lab import sources  # noqa: E402
from lab.data import read  # noqa: E402
from lab.dataset import DataError  # noqa: E402
from lab.nets import count_parameters  # noqa: E402
from lab.source_nets import Residual, resnet18_backbone, small_backbone  # noqa: E402
from lab.sources import Source, load_source, save_source  # noqa: E402
from tests.conftest import ROOT  # noqa: E402

WEIGHTS = ROOT / "lab" / "weights" / "cifar100.safetensors"
STAGES = ["stem", "stage1", "stage2", "stage3", "pool"]


def untrained(seed: int = 0) -> Source:
    backbone, head = small_backbone(seed), nn.Linear(128, 100)
    return Source("cifar100", backbone, head, (0.5, 0.25, 0.125), (0.3, 0.2, 0.1), 32)


def resnet18_file(path: Path) -> tuple[Any, Any]:
    """A file with untrained weights by torchvision's names; the backbone and the head that are in it."""
    backbone, head = resnet18_backbone(), nn.Linear(512, 1000)
    fc = {f"fc.{name}": value for name, value in head.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**backbone.state_dict(), **fc}, path)
    return backbone, head


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "resnet18-f37072fd.pth"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("used the network"))


def test_a_written_source_is_read_again_with_its_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = untrained(seed=3)
    with torch.no_grad():
        written.backbone.train()(torch.randn(8, 3, 32, 32))  # running statistics move away from 0 and 1
    save_source(written, tmp_path / "cifar100.safetensors")
    monkeypatch.setattr(sources, "WEIGHTS", tmp_path)
    found = load_source()
    assert (found.name, found.mean, found.std, found.side) == ("cifar100", written.mean, written.std, 32)
    for part in ("backbone", "head"):
        here, there = getattr(found, part).state_dict(), getattr(written, part).state_dict()
        assert list(here) == list(there)
        assert all(torch.equal(here[name], there[name]) for name in there)


def test_what_is_shipped_is_small_and_comes_with_a_card() -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    card = WEIGHTS.with_suffix(".md").read_text()
    for fact in ("CIFAR-100", "Seed", "Device, date", "Right on the test images", "Not for"):
        assert fact in card


def test_the_wheel_holds_the_weights_and_their_card() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    files = {
        Path(file.relative_path).as_posix() for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert {"lab/weights/cifar100.safetensors", "lab/weights/cifar100.md"} <= files


def test_every_call_gives_a_new_network_of_named_stages_in_eval_mode() -> None:
    one, other = load_source(), load_source()
    assert [name for name, _ in one.backbone.named_children()] == STAGES
    assert not any(part.training for net in (one.backbone, one.head) for part in net.modules())
    assert (one.head.in_features, one.head.out_features, one.width, one.side) == (128, 100, 128, 32)
    with torch.no_grad():
        for values in one.backbone.parameters():
            values.zero_()
    assert all(values.abs().sum() > 0 for values in other.backbone.parameters())
    assert other.backbone(torch.randn(2, 3, 32, 32)).shape == (2, 128)


def test_the_shipped_network_is_as_right_as_its_card_says() -> None:
    try:
        data = read("cifar100")
    except DataError:
        pytest.skip("CIFAR-100 is not on this machine")
    said = re.search(
        r"\| Right on the test images \| ([\d.]+)% of ([\d,]+)", WEIGHTS.with_suffix(".md").read_text()
    )
    assert said and int(said[2].replace(",", "")) == len(data.test_images)
    source = load_source()
    right = 0
    for start in range(0, len(data.test_images), 250):
        images = torch.from_numpy(data.test_images[start : start + 250]).permute(0, 3, 1, 2) / 255
        x = torch.stack([(images[:, c] - source.mean[c]) / source.std[c] for c in range(3)], dim=1)
        with torch.no_grad():
            scores = source.head(source.backbone(x))
        right += int((scores.argmax(1).numpy() == data.test_labels[start : start + 250]).sum())
    assert 100 * right / len(data.test_images) == pytest.approx(float(said[1]), abs=0.051)


def test_the_statistics_are_those_of_the_training_images() -> None:
    try:
        pixels = read("cifar100").train_images
    except DataError:
        pytest.skip("CIFAR-100 is not on this machine")
    source = load_source()
    for channel in range(3):
        values = torch.from_numpy(pixels[..., channel].copy()).double() / 255
        assert source.mean[channel] == pytest.approx(values.mean().item(), abs=1e-6)
        assert source.std[channel] == pytest.approx(values.std(correction=0).item(), abs=1e-6)


@pytest.mark.parametrize("damage", ["missing", "cut", "text"])
def test_weights_that_cannot_be_read_are_told_in_one_sentence(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cifar100.safetensors"
    if damage == "cut":
        save_source(untrained(), path)
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("no weights")
    monkeypatch.setattr(sources, "WEIGHTS", tmp_path)
    with pytest.raises(
        DataError, match=f"Expected the weights .* in {re.escape(str(path))}, but .*: install"
    ):
        load_source()


def test_an_unknown_source_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"Expected the name of a source network .*, got \'resnet50\'\."):
        load_source("resnet50")


def test_resnet18_has_as_many_numbers_as_torchvision_documents(
    cache: Path, monkeypatch: Any, offline: None
) -> None:
    resnet18_file(cache)
    digest = hashlib.sha256(cache.read_bytes()).hexdigest()
    monkeypatch.setattr(sources, "RESNET18_SHA256", digest)
    source = load_source("resnet18")
    counts = [count_parameters(net)["trained"] for net in (source.backbone, source.head)]
    assert sum(counts) == 11_689_512
    assert len(source.backbone.state_dict()) + len(source.head.state_dict()) == 122
    assert (source.width, source.side, source.backbone.training) == (512, 224, False)


def test_resnet18_is_read_by_torchvisions_names(cache: Path, monkeypatch: Any, offline: None) -> None:
    backbone, head = resnet18_file(cache)
    monkeypatch.setattr(sources, "RESNET18_SHA256", hashlib.sha256(cache.read_bytes()).hexdigest())
    source = load_source("resnet18")
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(source.head(source.backbone(x)), head(backbone.eval()(x)))
    names = set(torch.load(cache, weights_only=True))
    for name in ("conv1.weight", "layer1.0.bn2.running_var", "layer2.0.downsample.0.weight", "fc.bias"):
        assert name in names
    assert "layer1.0.downsample.0.weight" not in names


def test_resnet18_is_downloaded_only_when_asked_for(cache: Path, offline: None) -> None:
    with pytest.raises(DataError, match=r"is not on this machine: load with download=True"):
        load_source("resnet18")
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"is not the right one: load with download=True"):
        load_source("resnet18")


def test_a_file_with_another_digest_is_refused_in_one_sentence(cache: Path, monkeypatch: Any) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route")

    resnet18_file(cache)
    monkeypatch.setattr("requests.get", unreachable)
    with pytest.raises(
        DataError, match=r"f37072fd47e8.*check the network, or put the file at .*\.$"
    ) as error:
        load_source("resnet18", download=True)
    assert "\n" not in str(error.value)


def test_a_downloaded_file_with_another_digest_is_not_loaded(cache: Path, monkeypatch: Any) -> None:
    class Answer:
        def __init__(self) -> None:
            self.headers = {"content-length": "9"}

        def raise_for_status(self) -> None: ...

        def close(self) -> None: ...

        def iter_content(self, chunk_size: int) -> list[bytes]:
            return [b"something"]

    monkeypatch.setattr("requests.get", lambda *_, **__: Answer())
    with pytest.raises(DataError, match=r"f37072fd47e8"):
        load_source("resnet18", download=True)
    assert not cache.exists()


def test_a_residual_block_adds_what_its_branch_says(monkeypatch: Any) -> None:
    f = nn.functional
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6)
    for block in (Residual(4, 4), Residual(4, 8, stride=2)):
        with torch.no_grad():
            for norm in (part for part in block.modules() if isinstance(part, nn.BatchNorm2d)):
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_()
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)

        def norm_of(norm: Any, values: Any) -> Any:
            return f.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias)

        stride = 2 if block.downsample else 1
        inner = f.relu(norm_of(block.bn1, f.conv2d(x, block.conv1.weight, stride=stride, padding=1)))
        branch = norm_of(block.bn2, f.conv2d(inner, block.conv2.weight, padding=1))
        shortcut = x
        if block.downsample is not None:
            conv, norm = block.downsample
            shortcut = norm_of(norm, f.conv2d(x, conv.weight, stride=2))
        torch.testing.assert_close(block.eval()(x), f.relu(branch + shortcut))


def test_small_backbones_of_one_seed_are_equal_and_weights_are_hes() -> None:
    one, same, other = small_backbone(1), small_backbone(1), small_backbone(2)
    for name, values in one.state_dict().items():
        assert torch.equal(values, same.state_dict()[name])
    assert not torch.equal(one.stage3[0].weight, other.stage3[0].weight)
    weights = one.stage3[0].weight  # 64 channels in, 3x3 places: He's variance is 2 / 576
    assert weights.var().item() == pytest.approx(2 / 576, rel=0.02)


def test_a_stage_halves_the_image_and_doubles_the_channels() -> None:
    x, shapes = torch.randn(2, 3, 32, 32), []
    for stage in small_backbone().eval():
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8), (128, 4, 4), (128,)]
