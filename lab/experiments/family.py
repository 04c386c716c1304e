"""Unit 03's experiments: over which axes may one average, and what does each choice keep and lose?

In a notebook, with layers of one's own (what is left out is the library's). Each takes seconds as "tiny", up
to half a minute as "short", and each plot returns a matplotlib Figure:

    from lab.experiments import family
    results = family.compare({"my group norm": lambda channels: GroupNorm(4, channels)})   # channels -> layer
    family.plot_batch_sizes(results)       # test error over the batch size; batch norm beside it
    family.plot_illumination(results)      # accuracy on images of other contrast, brightness, colour

    results = family.compare_whitening({"my whitening": DecorrelatedBatchNorm})            # features -> layer
    family.plot_whitening(results)         # validation accuracy by epoch; eval mode, train mode
    results = family.compare_recurrent({"my layer norm": LayerNorm})                       # features -> layer
    family.plot_recurrent(results)         # training curve; accuracy on sequences longer than any in training
    results = family.compare_weights(WeightNormLinear)       # (inputs, outputs) -> linear layer
    family.plot_lengths(results)           # length of v by epoch, for several rates; the angle w turns by
    family.plot_starts(results)            # accuracy after starts with weights 0.1, 1 and 10 times as large

The NumPy notebook needs no torch: Newton-Schulz and the axes of a whitening are in `family_whitening`.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.family --size full --out full.json
    LAB_DATA=... python -m lab.experiments.family --size full --data cifar10 --out cifar10.json   # images

    results = family.load_results("full.json")      # all plots above take it, and
    family.plot_newton(results)                     # |W Sigma W - I| over the steps of Newton-Schulz
    family.plot_axes(results)                       # PCA and ZCA over successive mini-batches
    family.plot_rates(results)                      # how the rate of each norm was chosen
    family.summary(results, part="images", norm="group norm", batch=2)      # test accuracy at the best rate
    family.best_rate(results, part="images", norm="group norm")             # by VALIDATION accuracy
    family.table(results)                           # [(norm, {batch size: summary of the test ERROR})]
    family.illumination_table(results, "contrast")  # [(norm, {factor: summary of the accuracy})]

`summary` takes the fields of `Settings`; what is left out is BASE of the part, the rate is the best one of
those that were run, and `key` (test_accuracy) may be any number of a run, or a list, whose last value counts.
A summary is {"mean", "std", "min", "max"} over seeds, std that of a sample (n - 1).

Parts (Settings.part) and their norms:
"images"     `small_cnn` on photo-patches (or CIFAR-10), SGD with momentum. NORMS: "none", "batch norm",
             "layer norm" (over C, H, W: one group), "group norm" (4 groups), "instance norm", and
             "instance at the input" (instance norm of the image without affine, then batch norm). The rate is
             chosen at batch 32, from RATES, the same for all; at batch B it is rate x B / 32 (Wu & He 2018).
"whitening"  two hidden layers on 8x8 digits. WHITENERS: "none", "batch norm", "ZCA", "PCA", "Newton-Schulz".
"recurrent"  a tanh network reads a digit of 28x28 row by row. RECURRENT: "none", "layer norm", "batch norm"
             (one for all steps), "batch norm per step" (further steps take the last one's statistics).
"weights"    two hidden layers on 8x8 digits, SGD without momentum. WEIGHTS: "plain", "batch norm",
             "weight norm" (g = |v| at the start) and "weight norm, first batch" (Salimans & Kingma 2016, 3).

results["runs"]: dicts with the fields of `Settings`, lists with a value per epoch: loss, validation_accuracy;
train_accuracy and test_accuracy at the end; and by part
    "images", batch 32: "illumination" {"contrast" | "brightness" | "colour" | "contrast, clipped":
              [accuracy at each of about["illumination"][that name]]}
    "whitening": test_accuracy_train_mode (each test batch with its own statistics)
    "recurrent": "longer" [test accuracy with about["blank_rows"] empty rows after the digit]
    "weights": "length" per epoch [mean over units and layers of |v| (of |w| where there is no v)], "angle"
              per epoch [degrees by which the first layer's rows turned, on average]
results["newton"], results["axes"]: as `family_whitening` returns them.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""
