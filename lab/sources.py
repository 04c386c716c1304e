"""Networks whose features are handed on: `load_source("cifar100")`, and ImageNet's ResNet-18 on request.

The course's own comes with it (lab/weights, with its model card). ResNet-18 is read from the user's cache; it
is downloaded only when asked for, from PyTorch's address, and its digest is checked.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from lab.dataset import DataError, need
from lab.device import nn, torch
from lab.fetch import cache_folder
from lab.source_nets import resnet18_backbone, small_backbone

WEIGHTS = Path(__file__).parent / "weights"
RESNET18 = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
RESNET18_SHA256 = "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"


@dataclass(frozen=True)
class Source:
    """A trained network in two parts, and how its images were prepared.

    backbone: named stages, images (N, 3, side, side) -> features (N, width); head: features -> scores of the
    source's classes; mean, std: per channel, of images in [0, 1].
    """

    name: str
    backbone: nn.Sequential = field(repr=False)
    head: nn.Linear = field(repr=False)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    side: int

    @property
    def width(self) -> int:
        """How many features an image gets."""
        return self.head.in_features


def load_source(name: str = "cifar100", *, download: bool = False) -> Source:
    """A source network in evaluation mode, new at each call: "cifar100" or "resnet18" (ImageNet)."""
    if name == "cifar100":
        source = _own(WEIGHTS / "cifar100.safetensors")
    elif name == "resnet18":
        source = _resnet18(download)
    else:
        raise DataError(f'Expected the name of a source network ("cifar100", "resnet18"), got {name!r}.')
    source.backbone.eval()
    source.head.eval()
    return source


def save_source(source: Source, path: Path) -> None:
    """Write weights, statistics and preparation of a source with the small backbone as safetensors."""
    need("safetensors.torch", "Writing a source network").save_file(
        nn.ModuleDict(_parts(source)).state_dict(),
        path,
        metadata={key: json.dumps(getattr(source, key)) for key in ("name", "mean", "std", "side")},
    )


def _parts(source: Source) -> dict[str, nn.Module]:
    return {"backbone": source.backbone, "head": source.head}


def _own(path: Path) -> Source:
    safetensors = need("safetensors", "Reading the source network")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            facts = {key: json.loads(value) for key, value in file.metadata().items()}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no dict)
    except (OSError, safetensors.SafetensorError) as error:
        raise DataError(
            f"Expected the weights of the source network in {path}, but they cannot be read ({error}): "
            "install the course again."
        ) from error
    head = nn.Linear(weights["head.weight"].shape[1], weights["head.weight"].shape[0])
    source = Source(
        facts["name"], small_backbone(), head, tuple(facts["mean"]), tuple(facts["std"]), facts["side"]
    )
    nn.ModuleDict(_parts(source)).load_state_dict(weights)
    return source


def _resnet18(download: bool) -> Source:
    """He et al. 2016 as trained by PyTorch's people on ImageNet: IMAGENET1K_V1, 69.758 % by their account."""
    weights = torch.load(_resnet18_file(download), weights_only=True)
    head = nn.Linear(512, 1000)
    head.load_state_dict({name: weights.pop(f"fc.{name}") for name in ("weight", "bias")})
    backbone = resnet18_backbone()
    backbone.load_state_dict(weights)
    return Source("resnet18", backbone, head, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224)


def _resnet18_file(download: bool) -> Path:
    path = cache_folder() / Path(RESNET18).name
    pooch = need("pooch", "Reading a source network")
    pooch.get_logger().setLevel("ERROR")
    there = path.is_file() and pooch.file_hash(str(path)) == RESNET18_SHA256
    if not there and not download:
        came = "is not the right one" if path.is_file() else "is not on this machine"
        raise DataError(
            f"Expected the weights of resnet18 in {path}, but that file {came}: load with download=True "
            f"(47 MB from {RESNET18}), or bring the file with SHA-256 {RESNET18_SHA256}."
        )
    try:
        return Path(pooch.retrieve(RESNET18, f"sha256:{RESNET18_SHA256}", path.name, path.parent))
    except (OSError, ValueError) as error:
        raise DataError(
            f"Expected to download {RESNET18} (SHA-256 {RESNET18_SHA256}), but it did not work ({error}): "
            f"check the network, or put the file at {path}."
        ) from error
