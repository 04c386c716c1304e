"""The NumPy reference of unit 01 against torch, one thread, on 1,000 photo-patches."""

from __future__ import annotations

from benchmarks.against_torch import reference, show  # isort: skip

import torch

from lab.data import read


def main() -> None:
    mine = reference("01-normalization", "normalization_numpy")
    theirs = reference("01-normalization", "normalization_torch")
    images = read("photo_patches").train_images[:1000].astype(float)
    rows = images.reshape(len(images), -1)[:, ::8].copy()
    x, channels_first = torch.from_numpy(rows), torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    mean, std = images.mean((0, 1, 2)), images.std((0, 1, 2))

    def standardized() -> torch.Tensor:
        return (x - x.mean(0)) / x.std(0, correction=0)

    def channels() -> object:
        return torch.var_mean(channels_first, dim=(0, 2, 3), correction=0)

    def eigenvectors() -> object:
        return torch.linalg.eigh(torch.cov(x.T, correction=0))

    show(
        {
            f"standardize {rows.shape}": (lambda: mine["standardize"](rows, rows), standardized),
            f"channel_stats {images.shape}": (lambda: mine["channel_stats"]([images]), channels),
            "standardize_images": (
                lambda: mine["standardize_images"](images, mean, std),
                lambda: (channels_first - 1.0) / 2.0,
            ),
            "global contrast": (
                lambda: mine["global_contrast_normalize"](images),
                lambda: theirs["global_contrast"](channels_first),
            ),
            "local contrast, 7x7": (
                lambda: mine["local_contrast_normalize"](images, 3, 100.0),
                lambda: theirs["local_contrast"](channels_first, 3, 100.0),
            ),
            f"whitening {rows.shape}": (lambda: mine["whitening"](rows, 0.1), eigenvectors),
        }
    )


if __name__ == "__main__":
    main()
