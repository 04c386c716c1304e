"""The NumPy reference of unit 10 against torch, one thread. Both get their random numbers from outside."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import numpy as np
import torch
from torch.nn.functional import grid_sample, pad

N, H, W, C, PAD = 128, 32, 32, 3, 4


def main() -> None:
    mine = reference("10-augmentation", "augmentation_numpy")
    rng = np.random.default_rng(0)
    images, y = rng.random((N, H, W, C)), np.eye(10)[rng.integers(0, 10, N)]
    coin, partner = rng.random(N) < 0.5, rng.permutation(N)
    top, left = rng.integers(0, 2 * PAD + 1, (2, N))
    height, width = rng.integers(4, 24, (2, N))
    brightness, contrast = rng.uniform(0.5, 1.5, (2, N))
    u, lam, row, column = rng.random((N, H, W)), rng.random(N), *rng.integers(0, H, (2, N))
    coordinates = mine["rotation_coordinates"](rng.uniform(-30, 30, N), H, W)
    t = {k: torch.from_numpy(v) for k, v in locals().copy().items() if isinstance(v, np.ndarray)}
    x, r, c = t["images"].permute(0, 3, 1, 2).contiguous(), torch.arange(H), torch.arange(W)
    one, n = (N, 1, 1, 1), torch.arange(N)[:, None, None]
    rows, cols = (torch.from_numpy(v) for v in coordinates)

    def crop() -> torch.Tensor:
        padded = pad(x, (PAD,) * 4).permute(0, 2, 3, 1)
        return padded[n, t["top"][:, None, None] + r[:, None], t["left"][:, None, None] + c]

    def read() -> torch.Tensor:
        grid = torch.stack([(2 * cols + 1) / W - 1, (2 * rows + 1) / H - 1], dim=-1)
        return grid_sample(x, grid, align_corners=False)

    def stretch() -> torch.Tensor:
        bright = x * t["brightness"].view(one)
        mean = bright.mean((1, 2, 3), keepdim=True)
        return ((bright - mean) * t["contrast"].view(one) + mean).clamp(0, 1)

    def specks() -> torch.Tensor:
        v = t["u"][:, None]
        return x.masked_fill(v < 0.05, 0).masked_fill(v >= 0.95, 1)

    def box(first_row: str, first_col: str, tall: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
        h, w = r - t[first_row][:, None], c - t[first_col][:, None]
        inside_rows, inside_cols = (h >= 0) & (h < tall), (w >= 0) & (w < wide)
        return (inside_rows[:, :, None] & inside_cols[:, None])[:, None]

    def hole() -> torch.Tensor:
        return x.masked_fill(box("row", "column", torch.tensor(8), torch.tensor(8)), 0)

    def blend() -> object:
        w, v = t["lam"].view(one), t["lam"][:, None]
        return w * x + (1 - w) * x[t["partner"]], v * t["y"] + (1 - v) * t["y"][t["partner"]]

    def paste() -> object:
        inside = box("top", "left", t["height"][:, None], t["width"][:, None])
        share = inside.double().mean((1, 2, 3))[:, None]
        return torch.where(inside, x[t["partner"]], x), (1 - share) * t["y"] + share * t["y"][t["partner"]]

    show(
        {
            f"flip ({N}, {H}, {W}, {C})": (
                lambda: mine["flip"](images, coin),
                lambda: torch.where(t["coin"].view(one), x.flip(3), x),
            ),
            "pad and crop": (lambda: mine["pad_and_crop"](images, PAD, top, left), crop),
            "read between pixels": (lambda: mine["bilinear"](images, *coordinates), read),
            "brightness, contrast": (
                lambda: mine["brightness_contrast"](images, brightness, contrast),
                stretch,
            ),
            "salt and pepper": (lambda: mine["salt_and_pepper"](images, u, 0.1), specks),
            "cutout": (lambda: mine["cutout"](images, row, column, 8), hole),
            "mixup": (lambda: mine["mixup"](images, y, partner, lam), blend),
            "CutMix": (lambda: mine["cutmix"](images, y, partner, top, left, height, width), paste),
        }
    )


if __name__ == "__main__":
    main()
