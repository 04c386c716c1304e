"""Unit 08's two experiments in NumPy: a noisy quadratic, and the noise of a gradient over the batch size.

    from lab.experiments import schedules_noise as noise
    t = np.arange(2000)
    results = noise.descend({"constant": np.full(2000, 0.1), "1/t": inverse_decay(t, 0.1, 0.01)})
    noise.plot_descent(results)        # root mean square distance from the minimum by step; dashed: the floors

`descend` takes arrays of rates (T,), any number of names, and steps w <- w - lr_t (h w + noise) from w = START, noise
normal with standard deviation sigma: many runs side by side. It returns {"about": {"h", "sigma", "runs", "seed"},
"runs": [{"name", "rates": (T,), "distance": (T + 1,), "last"}]}: distance is the root mean square of w over the runs
before each step and after the last one.

    data = noise.digits()              # data.x (1497, 64), data.y (1497,), data.w (64, 10): float64
    results = noise.batch_noise(gradient, sizes=(1, 4, 16, 64, 256))       # gradient(w, x, y) -> (64, 10)
    noise.plot_batch_noise(results)    # std over the batch size, with 1/sqrt(B), and with the factor for N
    results["runs"][0]                 # {"batch", "std", "std_sqrt_b", "expected"}

`batch_noise` draws batches without replacement and takes the root of the summed variances of the gradient's entries
around the mean; "expected" is the std of single images times sqrt((N - B) / ((N - 1) B)). `gradient` left out is that
of softmax regression, mean over the batch.
"""
