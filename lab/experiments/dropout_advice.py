"""What Garbin, Zhu and Marques (2020) advise about dropout and batch norm, and the runs that test each piece.

Garbin, Zhu, Marques: "Dropout vs. batch normalization: an empirical study of their impact to deep learning",
Multimedia Tools and Applications 79, 2020. The advice is retold from the abstract and from the authors' LaTeX
source of the report that became the paper (repository fau-masters-collected-works-cgarbin/
dropout-vs-batch-normalization, report/latex/sections); "where" names its part. The typeset article may word
or order it differently. They trained dense networks on MNIST and a convolutional one on CIFAR-10, and name
as future work what these runs do: to force overfitting with few training images.

A piece has: id; says, the advice in our words; where; compares, what is set side by side; runs, the settings
of its runs without the seed, those of other parts of the study included.
"""

from typing import Any

Piece = dict[str, Any]

LRS = (1e-4, 1e-3, 1e-2)
NETWORKS = (
    "no dropout, no batch norm",
    "dropout in the dense part",
    "dropout everywhere",
    "batch norm in all layers",
    "both",
    "both everywhere",
)
# Their names: NDNB, WDNB_d, WDNB_a, NDWB; WDWB is "both". 0.5 in the dense part, half of it behind max-pools.
SETTINGS: dict[str, dict[str, Any]] = {
    "no dropout, no batch norm": {"variant": "dropout", "p": 0.0},
    "dropout in the dense part": {"variant": "dropout", "p": 0.5},
    "dropout everywhere": {"variant": "dropout everywhere", "p": 0.5},
    "batch norm in all layers": {"variant": "batch norm in all layers", "p": 0.0},
    "both": {"variant": "both", "p": 0.5},
    "both everywhere": {"variant": "both everywhere", "p": 0.5},
}
SGD = {"optimizer": "SGD", "lr": 0.01}
SGD_TUNED = {**SGD, "momentum": 0.95}
SGD_FAST = {**SGD_TUNED, "lr": 0.1}


def _cnn(names: tuple[str, ...], lrs: tuple[float, ...] = LRS) -> list[dict[str, Any]]:
    """Runs of these networks with RMSprop, the only optimizer of the paper's convolutional networks."""
    return [{**SETTINGS[name], "optimizer": "RMSprop", "lr": lr} for name in names for lr in lrs]


def _dense(**options: Any) -> list[dict[str, Any]]:
    """Runs without dropout and with p = 0.5 in the dense part."""
    return [{**SETTINGS[name], **options} for name in NETWORKS[:2]]


ADVICE: list[Piece] = [
    {
        "id": "batch-norm-first",
        "says": "Add batch norm before you try anything else: it is easy to add and raises the accuracy.",
        "where": "CNN: recommendations",
        "compares": "without anything and with batch norm, at each learning rate",
        "runs": _cnn((NETWORKS[0], NETWORKS[3])),
    },
    {
        "id": "learning-rate-with-batch-norm",
        "says": "Raise the learning rate only with batch norm; without it, and with dropout, that does harm.",
        "where": "CNN: recommendations, effects of learning rate",
        "compares": "networks at ten and a hundred times the learning rate",
        "runs": _cnn((NETWORKS[0], NETWORKS[1], NETWORKS[3], NETWORKS[4])),
    },
    {
        "id": "take-dropout-out",
        "says": "Dropout lowered the accuracy of the CNN: take it out once and see whether it does harm.",
        "where": "CNN: summary of the results",
        "compares": "each network with dropout and the same without",
        "runs": _cnn(NETWORKS, (1e-3,)),
    },
    {
        "id": "low-rate-with-batch-norm",
        "says": "With batch norm, leave dropout out or lower its rate (advice of Ioffe and Szegedy, retold).",
        "where": "framework and design: batch normalization",
        "compares": "batch norm behind the convolutions, with p = 0, 0.1 and 0.5 in the dense part",
        "runs": [{"variant": "both", "p": p, "optimizer": "RMSprop", "lr": 1e-3} for p in (0.0, 0.1, 0.5)],
    },
    {
        "id": "more-units",
        "says": "Dropout takes capacity away: with p = 0.5, double the units (Srivastava et al., retold).",
        "where": "framework and design: dropout",
        "compares": "256 and 512 hidden units, without dropout and with p = 0.5",
        "runs": _dense() + _dense(units=512),
    },
    {
        "id": "sgd-for-dropout",
        "says": "With dropout raise the learning rate of SGD 10 to 100 times, take momentum of 0.95 to 0.99 "
        "and limit the norm of the weights (Srivastava et al., retold).",
        "where": "framework and design: dropout",
        "compares": "SGD as it comes, with momentum 0.95, and with that at ten times the learning rate; "
        "both with and without max-norm 3",
        "runs": [
            *_dense(**SGD),
            *(
                run
                for tuned in (SGD_TUNED, SGD_FAST)
                for run in _dense(**tuned) + _dense(**tuned, max_norm=3.0)
            ),
        ],
    },
    {
        "id": "adaptive-first",
        "says": "Start with an adaptive optimizer: as it comes it does well; SGD can do better once tuned.",
        "where": "MLP: recommendations; abstract",
        "compares": "RMSprop and SGD as they come, and SGD with momentum",
        "runs": _cnn(NETWORKS[:2], (1e-3,)) + _dense(**SGD) + _dense(**SGD_TUNED),
    },
    {
        "id": "batch-norm-costs-time",
        "says": "Batch norm makes training slower, by about 10 % in the CNN and more than 80 % in the MLP.",
        "where": "CNN: result analysis; summary of the results",
        "compares": "CPU seconds of training (`train_seconds`)",
        "runs": _cnn(NETWORKS[:4], (1e-3,)),
    },
]
