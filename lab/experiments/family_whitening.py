"""Unit 03, without torch: how far Newton-Schulz gets, and which way the axes of a whitening point.

    from lab.experiments import family_whitening as whitening
    records = whitening.newton_errors(newton_schulz)    # newton_schulz(sigma, steps) -> Sigma^(-1/2)
    whitening.plot_newton(records)                      # |W Sigma W - I| over the steps
    batches, marked = whitening.minibatches(4, features=2)        # [(64, 2)] real features, (40, 2) to follow
    whitening.plot_row({"ZCA": zca, "PCA": pca}, batches, marked)    # each: x -> (y, mu, W), y = (x - mu) W^T
    records = whitening.axes({"ZCA": zca, "PCA": pca})
    whitening.plot_axes(records)                        # share of axes that flip or swap from batch to batch

Functions that are left out are this module's own. Everything is NumPy; each call takes a few seconds at most.

newton_errors: dicts {condition, dtype: "float32" or "float64", trace: divided by the trace or not, scale:
Sigma's factor, steps: [...], error: [Frobenius norm of W Sigma W - I, in float64; NaN if not finite]}.
axes: dicts {form, features, examples (of a mini-batch), seed, flips, swaps, same: shares of the axes of
successive mini-batches that point the other way, that became another axis, that stayed; correlation: mean of
an axis' outputs in one batch with those in the next, on the same examples}.
"""
