"""Random changes of whole batches of images, as unit 10's experiment draws them.

Images are (N, C, H, W) with values in [0, 1]. A transform is a function of the images and a torch generator
on their device, and draws anew for every image. A mix also takes and returns labels (N, K), rows of
probabilities. Geometry reads the input between its pixels, where each place of the output comes from; what
lies outside is black. Lengths are in half sides of the image, so centre (0, 0), and borders at -1 and 1.
"""

import math
from collections.abc import Callable
from functools import partial

from lab.device import nn, torch

Transform = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Mix = Callable[[torch.Tensor, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]


def between(low: float, high: float, n: int, generator: torch.Generator) -> torch.Tensor:
    """n uniform numbers."""
    return low + (high - low) * torch.rand(n, generator=generator, device=generator.device)


def coins(n: int, generator: torch.Generator) -> torch.Tensor:
    """n times -1 or 1."""
    return 1.0 - 2.0 * torch.randint(2, (n,), generator=generator, device=generator.device)


def places(images: torch.Tensor) -> torch.Tensor:
    """(H, W, 3): right, down and 1 of each pixel's centre."""
    down, right = (
        (torch.arange(n, device=images.device) * 2 + 1) / n - 1 for n in (images.shape[-2], images.shape[-1])
    )
    down, right = torch.meshgrid(down, right, indexing="ij")
    return torch.stack([right, down, torch.ones_like(down)], dim=-1)


def matrix(*rows: tuple[torch.Tensor | float, ...]) -> torch.Tensor:
    """(N, R, C) of numbers and tensors (N,)."""
    flat = torch.broadcast_tensors(*[torch.as_tensor(value) for row in rows for value in row])
    return torch.stack(flat, dim=-1).unflatten(-1, (len(rows), len(rows[0])))


def read(images: torch.Tensor, grid: torch.Tensor, outside: str = "zeros") -> torch.Tensor:
    """The images at places (N, H, W, 2), right and down, between four neighbours."""
    return nn.functional.grid_sample(images, grid, padding_mode=outside, align_corners=False)


def seen_through(images: torch.Tensor, to_source: torch.Tensor, outside: str = "zeros") -> torch.Tensor:
    """Each place of the result reads where its matrix, (N, 2, 3) or (N, 3, 3), sends it. Square images."""
    target = torch.einsum("nij,hwj->nhwi", to_source, places(images))
    return read(images, target if target.shape[-1] == 2 else target[..., :2] / target[..., 2:], outside)


def mirror(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Left and right change places, in half of the images."""
    heads = coins(len(images), generator) > 0
    return torch.where(heads.view(-1, 1, 1, 1), images.flip(-1), images)


def upside_down(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Above and below change places, in half of the images."""
    heads = coins(len(images), generator) > 0
    return torch.where(heads.view(-1, 1, 1, 1), images.flip(-2), images)


def quarter_turns(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turned by 0, 90, 180 or 270 degrees. Square images."""
    turns = torch.randint(4, (len(images),), generator=generator, device=images.device)
    return torch.stack([images.rot90(k, (2, 3)) for k in range(4)])[turns, torch.arange(len(images))]


def turn(
    images: torch.Tensor, generator: torch.Generator, *, degrees: float = 15, outside: str = "zeros"
) -> torch.Tensor:
    """Turned about the centre by up to `degrees` either way."""
    angle = between(-degrees, degrees, len(images), generator) * math.pi / 180
    cos, sin = angle.cos(), angle.sin()
    return seen_through(images, matrix((cos, -sin, 0.0), (sin, cos, 0.0)), outside)


def zoom(images: torch.Tensor, generator: torch.Generator, *, factor: float = 1.25) -> torch.Tensor:
    """Larger or smaller by up to `factor`, about the centre."""
    size = between(-1, 1, len(images), generator).mul(math.log(factor)).exp()
    return seen_through(images, matrix((size, 0.0, 0.0), (0.0, size, 0.0)))


def stretch(images: torch.Tensor, generator: torch.Generator, *, factor: float = 1.25) -> torch.Tensor:
    """Wider or narrower by up to `factor`, as high as before."""
    width = between(-1, 1, len(images), generator).mul(math.log(factor)).exp()
    return seen_through(images, matrix((width, 0.0, 0.0), (0.0, 1.0, 0.0)))


def shear(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.3) -> torch.Tensor:
    """Rows slide along each other, by up to `most` times their distance."""
    slope = between(-most, most, len(images), generator)
    return seen_through(images, matrix((1.0, slope, 0.0), (0.0, 1.0, 0.0)))


def shift(images: torch.Tensor, generator: torch.Generator, *, pixels: int = 4) -> torch.Tensor:
    """Moved by up to so many whole pixels across and down."""
    across, down = torch.randint(
        -pixels, pixels + 1, (2, len(images)), generator=generator, device=images.device
    )
    height, width = images.shape[-2:]
    return seen_through(images, matrix((1.0, 0.0, across * 2 / width), (0.0, 1.0, down * 2 / height)))


def resized_crop(
    images: torch.Tensor, generator: torch.Generator, *, least: float = 0.4, ratio: float = 4 / 3
) -> torch.Tensor:
    """A part of at least this share of the area, and this far from its shape, stretched to the whole."""
    n = len(images)
    area = between(least, 1, n, generator)
    aspect = between(-1, 1, n, generator).mul(math.log(ratio)).exp()
    wide, high = area.mul(aspect).sqrt().clamp(max=1), area.div(aspect).sqrt().clamp(max=1)
    x, y = ((1 - side) * between(-1, 1, n, generator) for side in (wide, high))
    return seen_through(images, matrix((wide, 0.0, x), (0.0, high, y)))


def projective(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.25) -> torch.Tensor:
    """Tilted about both axes, as a plane seen from the side."""
    x, y = (between(-most, most, len(images), generator) for _ in range(2))
    return seen_through(images, matrix((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (x, y, 1.0)))


def lens(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.3) -> torch.Tensor:
    """Pincushion or barrel: a place at radius r reads at r (1 + k r^2) / (1 + k), so corners stay."""
    k = between(-most, most, len(images), generator).view(-1, 1, 1, 1)
    at = places(images)[..., :2]
    squared = at.square().sum(-1, keepdim=True) / 2
    return read(images, at * (1 + k * squared) / (1 + k))


def grain(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.1) -> torch.Tensor:
    """Gaussian noise with a standard deviation of up to `most`."""
    strength = between(0, most, len(images), generator).view(-1, 1, 1, 1)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return (images + strength * noise).clamp(0, 1)


def specks(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.1) -> torch.Tensor:
    """Salt and pepper on a share of up to `most` of the pixels."""
    share = between(0, most, len(images), generator).view(-1, 1, 1, 1)
    chance = torch.rand(images[:, :1].shape, generator=generator, device=images.device)
    return torch.where(chance < share, (chance < share / 2).to(images.dtype), images)


def blur(images: torch.Tensor, generator: torch.Generator, *, most: float = 1.0) -> torch.Tensor:
    """A Gaussian blur of up to so many pixels; the border is repeated."""
    n, channels = images.shape[:2]
    radius = math.ceil(3 * most)
    sigma = between(0.1, most, n, generator).view(-1, 1)
    bell = torch.exp(-(torch.arange(-radius, radius + 1, device=images.device) ** 2) / (2 * sigma**2))
    bell = (bell / bell.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None, None]
    flat = nn.functional.pad(images, (radius,) * 4, mode="replicate").flatten(0, 1)[None]
    for kernel in (bell, bell.mT):
        flat = nn.functional.conv2d(flat, kernel, groups=n * channels)
    return flat[0].unflatten(0, (n, channels))


def brightness(images: torch.Tensor, generator: torch.Generator, *, factor: float = 1.5) -> torch.Tensor:
    """Brighter or darker by up to `factor`."""
    gain = between(-1, 1, len(images), generator).mul(math.log(factor)).exp()
    return (images * gain.view(-1, 1, 1, 1)).clamp(0, 1)


def contrast(images: torch.Tensor, generator: torch.Generator, *, factor: float = 1.5) -> torch.Tensor:
    """Differences from the mean of the image, larger or smaller by up to `factor`."""
    gain = between(-1, 1, len(images), generator).mul(math.log(factor)).exp().view(-1, 1, 1, 1)
    return torch.lerp(images.mean((1, 2, 3), keepdim=True), images, gain).clamp(0, 1)


def illumination(images: torch.Tensor, generator: torch.Generator, *, most: float = 0.5) -> torch.Tensor:
    """Light that falls off to one side: a plane in a random direction, up to `most` at the border."""
    n = len(images)
    direction, strength = between(0, 2 * math.pi, n, generator), between(0, most, n, generator)
    slope = strength[:, None] * torch.stack([direction.cos(), direction.sin()], dim=1)
    plane = torch.einsum("hwi,ni->nhw", places(images)[..., :2], slope)
    return (images * (1 + plane[:, None])).clamp(0, 1)


def hue(images: torch.Tensor, generator: torch.Generator, *, degrees: float = 30) -> torch.Tensor:
    """Colours turned about the axis of the greys, by up to `degrees` either way. Three channels."""
    angle = between(-degrees, degrees, len(images), generator) * math.pi / 180
    axis = torch.tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=images.device) / math.sqrt(3)
    turns = torch.linalg.matrix_exp(angle.view(-1, 1, 1) * axis)
    return torch.einsum("nij,njhw->nihw", turns, images).clamp(0, 1)


def inside_box(images: torch.Tensor, side: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """(N, 1, H, W): is the pixel in a square of this side, whose centre may be anywhere in the image?"""
    centre = torch.stack([between(-1, 1, len(images), generator) for _ in range(2)], dim=1)
    away = (places(images)[..., :2] - centre[:, None, None]).abs().amax(-1)
    return (away < side.view(-1, 1, 1))[:, None]


def hole(images: torch.Tensor, generator: torch.Generator, *, side: float = 0.4) -> torch.Tensor:
    """A black square with this share of the side of the image, cut off at the border."""
    squares = torch.full((len(images),), side, device=images.device)
    return images.masked_fill(inside_box(images, squares, generator), 0)


def blend(
    images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixup with a weight that is uniform, which is Beta(1, 1)."""
    order = torch.randperm(len(images), generator=generator, device=images.device)
    weight = between(0, 1, len(images), generator)
    return (
        torch.lerp(images, images[order], weight.view(-1, 1, 1, 1)),
        torch.lerp(labels, labels[order], weight.view(-1, 1)),
    )


def paste(
    images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """CutMix with a weight that is Beta(1, 1); labels follow the pixels that were pasted."""
    order = torch.randperm(len(images), generator=generator, device=images.device)
    box = inside_box(images, between(0, 1, len(images), generator).sqrt(), generator)
    labels = torch.lerp(labels, labels[order], box.to(labels.dtype).mean((2, 3)))
    return torch.where(box, images[order], images), labels


TRANSFORMS: dict[str, Transform] = {
    "mirror": mirror,
    "upside down": upside_down,
    "quarter turns": quarter_turns,
    "turn 15°": turn,
    "turn 15°, reflected": partial(turn, outside="reflection"),
    "turn 180°": partial(turn, degrees=180),
    "scale": zoom,
    "stretch": stretch,
    "shear": shear,
    "shift": shift,
    "resized crop": resized_crop,
    "projective": projective,
    "lens": lens,
    "Gaussian noise": grain,
    "salt and pepper": specks,
    "blur": blur,
    "brightness": brightness,
    "contrast": contrast,
    "illumination": illumination,
    "hue": hue,
    "cutout": hole,
}
MIXES: dict[str, Mix] = {"mixup": blend, "CutMix": paste}
