"""Right repairs of the four programs of 09-hyperparameters, most in the hand of who wrote the program."""

from __future__ import annotations

from tests.units.right_ways import Ways

PROGRAMS = Ways()
way = PROGRAMS.add

way(
    "repaired_a",
    "the program with one line moved",
    """
    def repaired_a(net, batches, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve = []
        for _ in range(epochs):
            summed, count = 0.0, 0
            for images, labels in batches:
                sgd.zero_grad()
                loss = F.cross_entropy(net(images), labels)
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                count += len(labels)
            curve.append(summed / count)
        return curve
    """,
)
way(
    "repaired_a",
    "forgotten at both ends, tensors added up",
    """
    def repaired_a(net, batches, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        net.zero_grad()
        curve = []
        N = sum(len(labels) for _, labels in batches)
        for _ in range(epochs):
            summed = torch.zeros((), dtype=torch.float64)
            for images, labels in batches:
                loss = F.cross_entropy(net(images), labels, reduction="sum")
                (loss / len(labels)).backward()
                sgd.step()
                sgd.zero_grad()
                summed += loss.detach().cpu()
            curve.append(float(summed / N))
        return curve
    """,
)
way(
    "repaired_a",
    "no optimizer at all",
    """
    def repaired_a(net, batches, epochs, lr):
        net.train()
        weights = [w for w in net.parameters() if w.requires_grad]
        curve = []
        for _ in range(epochs):
            losses, sizes = [], []
            for images, labels in batches:
                loss = nn.functional.cross_entropy(net(images), labels)
                slopes = torch.autograd.grad(loss, weights)
                with torch.no_grad():
                    for w, slope in zip(weights, slopes):
                        w -= lr * slope
                losses.append(loss.item())
                sizes.append(len(labels))
            curve.append(sum(a * n for a, n in zip(losses, sizes)) / sum(sizes))
        return curve
    """,
)

way(
    "repaired_b",
    "the program with scores for the loss",
    """
    def repaired_b(net, batches, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve, sure = [], []
        for _ in range(epochs):
            summed, certainty, count = 0.0, 0.0, 0
            for images, labels in batches:
                scores = net(images)
                outputs = F.softmax(scores, dim=1)
                loss = F.cross_entropy(scores, labels)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                certainty += outputs.max(dim=1).values.sum().item()
                count += len(labels)
            curve.append(summed / count)
            sure.append(certainty / count)
        return curve, sure
    """,
)
way(
    "repaired_b",
    "log-probabilities for both",
    """
    def repaired_b(net, batches, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve, sure = [], []
        for _ in range(epochs):
            summed, certainty, count = 0.0, 0.0, 0
            for images, labels in batches:
                outputs = F.log_softmax(net(images), dim=1)
                loss = F.nll_loss(outputs, labels)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                certainty += outputs.detach().exp().max(dim=1)[0].mean().item() * len(labels)
                count += len(labels)
            curve.append(summed / count)
            sure.append(certainty / count)
        return [curve, sure]
    """,
)
way(
    "repaired_b",
    "cross_entropy of log-probabilities, running means",
    """
    def repaired_b(net, batches, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        rows = []
        for _ in range(epochs):
            mean, sure, seen = 0.0, 0.0, 0
            for images, labels in batches:
                n = len(labels)
                logs = net(images).log_softmax(dim=-1)
                sgd.zero_grad()
                loss = nn.CrossEntropyLoss()(logs, labels)
                loss.backward()
                sgd.step()
                seen += n
                mean += (loss.item() - mean) * n / seen
                sure += (logs.exp().amax(-1).mean().item() - sure) * n / seen
            rows.append((mean, sure))
        return tuple([row[k] for row in rows] for k in (0, 1))
    """,
)

way(
    "repaired_c",
    "the program with one more index",
    """
    def repaired_c(net, x, y, orders, batch_size, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve = []
        for order in orders:
            shuffled, own_labels, summed = x[order], y[order], 0.0
            for start in range(0, len(x), batch_size):
                images = shuffled[start : start + batch_size]
                labels = own_labels[start : start + batch_size]
                loss = F.cross_entropy(net(images), labels)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
            curve.append(summed / len(x))
        return curve
    """,
)
way(
    "repaired_c",
    "batches from two splits",
    """
    def repaired_c(net, x, y, orders, batch_size, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve = []
        for order in orders:
            losses = []
            for images, labels in zip(x[order].split(batch_size), y[order].split(batch_size)):
                each = F.cross_entropy(net(images), labels, reduction="none")
                sgd.zero_grad()
                each.mean().backward()
                sgd.step()
                losses.append(each.detach())
            curve.append(torch.cat(losses).mean().item())
        return curve
    """,
)
way(
    "repaired_c",
    "a loader of the library with a sampler",
    """
    def repaired_c(net, x, y, orders, batch_size, lr):
        from torch.utils.data import DataLoader, TensorDataset

        sgd = torch.optim.SGD(net.parameters(), lr=lr)
        net.train()
        curve = []
        for order in orders:
            total = 0.0
            loader = DataLoader(TensorDataset(x, y), batch_size=batch_size, sampler=order.tolist())
            for images, labels in loader:
                sgd.zero_grad()
                loss = F.cross_entropy(net(images), labels)
                loss.backward()
                sgd.step()
                total += loss.item() * images.shape[0]
            curve.append(total / y.numel())
        return curve
    """,
)

way(
    "repaired_d",
    "the program with two changes",
    """
    def repaired_d(net, batches, validation, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        curve, watched = [], []
        least, best = math.inf, None
        for _ in range(epochs):
            net.train()
            summed, count = 0.0, 0
            for images, labels in batches:
                loss = F.cross_entropy(net(images), labels)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                count += len(labels)
            curve.append(summed / count)
            net.eval()
            with torch.no_grad():
                held_out = F.cross_entropy(net(validation[0]), validation[1]).item()
            watched.append(held_out)
            if held_out < least:
                least, best = held_out, {name: value.clone() for name, value in net.state_dict().items()}
        net.load_state_dict(best)
        return curve, watched
    """,
)
way(
    "repaired_d",
    "a copy of the network, training mode after the validation as well",
    """
    def repaired_d(net, batches, validation, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        curve, watched, best = [], [], None
        net.train()
        for _ in range(epochs):
            summed, count = 0.0, 0
            for images, labels in batches:
                sgd.zero_grad()
                loss = F.cross_entropy(net(images), labels)
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                count += len(labels)
            curve.append(summed / count)
            net.eval()
            with torch.no_grad():
                watched.append(F.cross_entropy(net(validation[0]), validation[1]).item())
            if watched.index(min(watched)) == len(watched) - 1:
                best = copy.deepcopy(net)
            net.train()
        net.load_state_dict(best.state_dict())
        net.eval()
        return curve, watched
    """,
)
way(
    "repaired_d",
    "all states kept, the best chosen at the end",
    """
    def repaired_d(net, batches, validation, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        x, y = validation
        curve, watched, states = [], [], []
        for _ in range(epochs):
            net.train()
            losses = []
            for images, labels in batches:
                each = F.cross_entropy(net(images), labels, reduction="none")
                sgd.zero_grad(set_to_none=True)
                each.mean().backward()
                sgd.step()
                losses.append(each.detach())
            curve.append(torch.cat(losses).mean().item())
            with torch.inference_mode():
                watched.append(float(F.cross_entropy(net.eval()(x), y)))
            states.append(copy.deepcopy(net.state_dict()))
        net.load_state_dict(states[min(range(epochs), key=watched.__getitem__)])
        return tuple(curve), tuple(watched)
    """,
)
way(
    "repaired_d",
    "validated in parts, kept in a list of copies",
    """
    def repaired_d(net, batches, validation, epochs, lr):
        sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        curve, watched, best = [], [], None
        everything = [*net.parameters(), *net.buffers()]
        for _ in range(epochs):
            net.train(True)
            summed, count = 0.0, 0
            for images, labels in batches:
                sgd.zero_grad()
                loss = F.cross_entropy(net(images), labels)
                loss.backward()
                sgd.step()
                summed += loss.item() * len(labels)
                count += len(labels)
            curve.append(summed / count)
            net.train(False)
            held_out = 0.0
            with torch.no_grad():
                for images, labels in zip(validation[0].split(4), validation[1].split(4)):
                    held_out += F.cross_entropy(net(images), labels, reduction="sum").item()
            watched.append(held_out / len(validation[1]))
            if watched.index(min(watched)) == len(watched) - 1:
                best = [values.detach().clone() for values in everything]
        with torch.no_grad():
            for values, kept in zip(everything, best):
                values.copy_(kept)
        return curve, watched
    """,
)
