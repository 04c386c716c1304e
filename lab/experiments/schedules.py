"""Unit 08's experiments: schedules, batch size, accumulation and clipping, each at a stated cost.

What needs no torch is in `schedules_noise` (the NumPy notebook), ensembles are in `ensembles`. With
schedules of one's own, in a notebook ("tiny" takes seconds, "short" about 20 s for four schedules):

    from lab.experiments import schedules
    results = schedules.compare(
        {"mine": lambda optimizer, T: WarmupCosine(optimizer, W=T // 10, T=T)},    # optimizer, steps -> scheduler
        size="short",
        train_epoch=train_epoch,       # (model, batches, optimizer, scheduler, max_norm) -> mean loss; or left out
    )
    schedules.plot_schedules(results)  # test accuracy and loss of each at its best rate: a row per schedule
    schedules.plot_curves(results)     # the rate, the training loss and the validation accuracy by step
    schedules.summary(results, way="mine")      # {"mean", "std", "min", "max"} of the test accuracy
    # beside "mine": "constant" and "cosine" of the course (lab.figures.schedules.rates)

`train_epoch` gets the batches of an epoch, a list of (images (B, 3, 16, 16), labels (B,)), and a scheduler with
`step()` that is called once after every step of the optimizer; max_norm is None where nothing is clipped.

    data = schedules.images("photos", size="short")       # data.train_x, .train_y, .validation_x, ..., .test_y
    net = schedules.network("BN", seed=0)                 # small_cnn for images (N, 3, 16, 16); "plain": without BN
    schedules.batches(data, batch=32, steps=96, seed=0)   # [(x, y), ...]: every image once, then again

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.schedules --size full --out full.json
    LAB_DATA=... python -m lab.experiments.schedules --size full --data cifar10 --out cifar10.json

    results = schedules.load_results("full.json")
    schedules.plot_schedules(results)          # a) SCHEDULES at an equal number of steps
    schedules.plot_curves(results)
    schedules.plot_rates(results)              # a) test accuracy over the rate, a line per schedule
    schedules.plot_speed(results)              # b) seconds per step and images per second over B, with a + b B
    schedules.plot_batches(results)            # b) accuracy over the rate, a line per B: equal epochs
    schedules.plot_rules(results)              # b) accuracy over B for one rate, linear, square root, warm-up
    schedules.plot_equal(results)              # b) the same B at equal epochs and at equal steps
    schedules.plot_gap(results)                # b) small and large batch: training, test accuracy, sharpness
    schedules.plot_accumulation(results)       # c) difference of gradients; accuracy with ghost batches
    schedules.plot_clipping(results)           # e) accuracy over the rate with and without, norms of gradients
    schedules.summary(results, part="schedules", way="cosine")             # test accuracy at the best rate
    schedules.summary(results, part="schedules", way="cosine", key="test_loss")
    schedules.best_rate(results, part="epochs", way="constant", batch=512)  # by mean VALIDATION accuracy
    schedules.rule(results, "linear", 512)     # summary at BASE_RATE * 512 / BASE_BATCH; RULES has the names
    schedules.table(results, part="schedules")               # [(way, rate, summary of accuracy, of loss)]
    schedules.gap_table(results)               # [{data, way, batch, rate, train, test, sharpness: summaries}]

`summary` takes the fields of `Settings`; what is left out is BASE of the part, the rate is the best one of those
that were run (one for all seeds), and `key` may be any number of a run or a list, whose last value counts.

Parts (Settings.part) and their ways:
"schedules" SCHEDULES, with "BN" (lab.nets.small_cnn with batch normalization), RATES, SGD with momentum 0.9.
"epochs"    "constant" or "warm-up" (linear, over the first WARM_SHARE of the steps), "plain" network, BATCHES and
            BATCH_RATES, as many images for all; micro = batch.
"steps"     as "epochs", as many steps for all.
"gap"       "plain", "BN" or "MLP" (on mnist), Adam, GAP_BATCH or a tenth of the images, as Keskar et al. 2017.
"ghost"     "BN" or "plain": batches of GHOST_BATCH in micro-batches of `micro` images, gradients accumulated.
"clipping"  "not clipped" or "clipped" (global norm MAX_NORM), "plain" network, CLIP_RATES.

results["runs"]: dicts with the fields of `Settings`; steps (of the optimizer); loss, rates and validation: lists,
a value per part of the run: mean loss, learning rate of its last step, validation accuracy after it; NaN from
where the loss was no number; at the end train_accuracy, validation_accuracy, test_accuracy, train_loss, test_loss;
"gap" also has sharpness (per cent, metric 2.1 of Keskar et al. 2017 with eps 1e-3), "clipping" norms (of the
gradient before it is clipped, a value per step).
results["speed"]: dicts {network, batch, seconds: per step, median of five rounds, images_per_second}.
results["accumulation"]: dicts {way, seed, micro, difference: norm of the difference of gradients over the norm}.
results["ensembles"], ["members"], ["lines"]: see `ensembles`.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""
