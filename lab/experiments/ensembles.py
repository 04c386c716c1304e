"""Unit 08's experiment on ensembles: members, snapshots and averaged weights, each at a stated cost.

With classes of one's own, in a notebook ("tiny" takes seconds, "short" about 40 s for three ways):

    from lab.experiments import ensembles
    results = ensembles.compare(
        {
            "five members": five_members,      # each way: task -> list of trained networks
            "snapshots": five_snapshots,
            "SWA": averaged,
        },
        size="short",
        probabilities=ensemble_probabilities,  # (models, x) -> (N, K); or left out
    )
    ensembles.plot_ensembles(results)          # accuracy and loss over the cost, a mark per way
    ensembles.table(results)                   # [(way, {key: summary}, steps, networks)]

    def five_members(task):
        return [train(task, member) for member in range(5)]

A `task` (of one seed) has
    task.new_net(member=0)     a network (small_cnn with batch normalization), another start for every member
    task.batches(member=0, steps=None)    [(x, y), ...], in an order of the member's own; steps: task.steps
    task.optimizer(net)        SGD with momentum 0.9 at task.lr, the largest rate of a schedule
    task.steps, task.lr        steps of one network's training
    task.data                  train_x (N, 3, 16, 16), train_y, validation_x, ..., test_y

`compare` measures every way's ensemble on the test images, and its CPU time. Without an argument it takes WAYS, the
course's own. In the results of the study (`schedules.load_results("full.json")`):

    ensembles.plot_ensembles(results), ensembles.table(results)
    ensembles.plot_sizes(results)              # accuracy and loss of the first 1, ..., 5 members or snapshots
    ensembles.plot_lines(results)              # loss and accuracy on the line between two sets of weights
    ensembles.summary(results, "five members", key="accuracy")     # {"mean", "std", "min", "max"} over seeds

WAYS and what each trains (T = task.steps):
    "one network"              T steps, cosine
    "one network, 5 T"         5 T steps, cosine
    "five members"             5 times T steps, cosine, five starts
    "snapshots, T"             T steps, five cycles of T / 5
    "snapshots, 5 T"           5 T steps, five cycles of T
    "SWA"                      T steps: cosine to 3/4 T, constant rate from there; mean of the weights of each
                               SWA_EVERY steps, statistics of batch normalization measured again
    "SWA, start of it"         the last weights of that run, not averaged
    "EMA"                      the same run, exponential average with decay EMA_DECAY, measured again
    "weights of five members"  one network with the mean of the five members' weights, measured again
    "weights of snapshots, 5 T"   the same with the snapshots

results["ensembles"]: dicts {way, seed, steps (of training, in all), networks (evaluated per image), train_seconds
(CPU), accuracy, loss (of the mean probability, test images), member_accuracy, member_loss (lists, of each alone),
by_size: {"accuracy", "loss"}: lists, of the first 1, 2, ... of them; disagreement: share of the test images on
which two of them differ, mean over pairs (NaN for one)}.
results["lines"]: dicts {between: "two members", "two snapshots, 5 T", "SWA's weights", seed, alphas, accuracy, loss:
of test images, statistics measured again at every point}.
"""
