"""A small convolutional network that learns to read handwritten digits, in NumPy with corrfast.nn alone.

    python examples/digits_cnn.py --output pictures
    python examples/digits_cnn.py --flip-kernel

slides the kernels reversed: convolution forward and correlation backward, instead of the reverse. It starts from the same kernels,
mirrored, and learns the same ones, mirrored.

The digits (1797 images of 8 x 8 pixels, UCI's "Optical Recognition of Handwritten Digits") ship inside scikit-learn's wheel;
nothing is downloaded.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen
import matplotlib.pyplot as plt
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sklearn.datasets import load_digits

from corrfast import nn

TESTED = 360  # images that training never sees, a fifth of them
BATCH = 32
BLUE, RED, GRAY = "#1f5fa8", "#c8402f", "#b9bec6"


# Layers: forward(x) keeps what backward(g) needs; backward returns the gradient for x and leaves those for the parameters in `grads`.


class Convolution:
    """3 x 3 kernels over all channels, at the size of the image."""

    def __init__(self, rng, channels, count, flip):
        spread = np.sqrt(2 / (channels * 9))  # He et al., 2015: keeps the variance from layer to layer
        kernels = (spread * rng.standard_normal((count, channels, 3, 3))).astype(np.float32)
        self.params = [kernels[:, :, ::-1, ::-1].copy() if flip else kernels, np.zeros(count, np.float32)]
        self.options = {"padding": 1, "flip_kernel": flip}

    def forward(self, x):
        self.x = x
        return nn.conv2d(x, *self.params, **self.options)

    def backward(self, g):
        g_input, *self.grads = nn.conv2d_vjp(g, self.x, self.params[0], **self.options)
        return g_input


class Rectifier:
    params = grads = ()

    def forward(self, x):
        self.positive = x > 0
        return x * self.positive

    def backward(self, g):
        return g * self.positive


class Halving:
    """The largest of each 2 x 2 pixels."""

    params = grads = ()

    def forward(self, x):
        batch, channels, rows, columns = x.shape
        self.blocks = x.reshape(batch, channels, rows // 2, 2, columns // 2, 2)
        self.largest = self.blocks.max(axis=(3, 5), keepdims=True)
        return self.largest[:, :, :, 0, :, 0]

    def backward(self, g):
        winners = self.blocks == self.largest
        # Where several pixels are the largest, as the zeros after a rectifier are, they share.
        shares = winners / winners.sum(axis=(3, 5), keepdims=True, dtype=np.float32)
        spread = shares * g[:, :, :, None, :, None]
        batch, channels, rows, _, columns, _ = spread.shape
        return spread.reshape(batch, channels, 2 * rows, 2 * columns)


class Dropout:
    """While it learns, half of the numbers at random, doubled: no score is to rest on a few of them (Srivastava et al., 2014)."""

    params = grads = ()
    learning = False

    def __init__(self, rng):
        self.rng = rng

    def forward(self, x):
        self.kept = 2 * self.rng.integers(0, 2, x.shape, np.int8) if self.learning else np.int8(1)
        return x * self.kept

    def backward(self, g):
        return g * self.kept


class Linear:
    """Ten scores from all pixels of all channels."""

    def __init__(self, rng, inputs, outputs):
        weights = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        self.params = [weights.astype(np.float32), np.zeros(outputs, np.float32)]

    def forward(self, x):
        self.shape, self.flat = x.shape, x.reshape(len(x), -1)
        return self.flat @ self.params[0] + self.params[1]

    def backward(self, g):
        self.grads = [self.flat.T @ g, g.sum(axis=0)]
        return (g @ self.params[0].T).reshape(self.shape)


class Network:
    def __init__(self, rng, flip):
        self.dropout = Dropout(rng)
        self.layers = [Convolution(rng, 1, 32, flip), Rectifier(), Convolution(rng, 32, 64, flip), Rectifier(), Halving(),
                       Convolution(rng, 64, 128, flip), Rectifier(), Halving(), self.dropout, Linear(rng, 128 * 2 * 2, 10)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g):
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

    def params(self):
        return [param for layer in self.layers for param in layer.params]

    def grads(self):
        return [grad for layer in self.layers for grad in layer.grads]

    def accuracy(self, images, labels):
        return float(np.mean(self.forward(images).argmax(axis=1) == labels))


class Adam:
    """Steps of about the same length for every parameter (Kingma and Ba, 2015), which shrink over the training."""

    def __init__(self, params, rate, steps):
        self.params, self.rate, self.steps, self.step = params, rate, steps, 0
        self.mean, self.square = ([np.zeros_like(param) for param in params] for _ in range(2))

    def update(self, grads):
        rate = self.rate * 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        self.step += 1
        for param, grad, mean, square in zip(self.params, grads, self.mean, self.square):
            mean += 0.1 * (grad - mean)
            square += 0.001 * (grad**2 - square)
            unbiased = mean / (1 - 0.9**self.step), square / (1 - 0.999**self.step)
            param -= np.float32(rate) * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)


def cross_entropy(scores, labels):
    """The loss, -log of the probability that each image's label gets, and its gradient for the scores."""
    rows = np.arange(len(labels))
    probability = np.exp(scores - scores.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    loss = -np.log(probability[rows, labels] + 1e-30).mean()
    probability[rows, labels] -= 1
    return float(loss), probability / np.float32(len(labels))


def digits(rng):
    """Images and labels for training, then for the test."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    order = rng.permutation(len(images))
    test, train = order[:TESTED], order[TESTED:]
    return (images[train], labels[train]), (images[test], labels[test])


def moved(rng, images):
    """Each image at a place of its own, at most a pixel away: the network is to learn shapes, not places."""
    around = np.pad(images, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(around, (8, 8), axis=(2, 3))
    down, right = rng.integers(0, 3, (2, len(images)))
    return np.ascontiguousarray(windows[np.arange(len(images)), :, down, right])


def train(network, rng, images, labels, epochs, progress):
    """Returns the loss of each step."""
    starts = range(0, len(images) - BATCH + 1, BATCH)
    adam = Adam(network.params(), 0.003, epochs * len(starts))
    task = progress.add_task("", total=epochs, loss="")
    losses = []
    network.dropout.learning = True
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in starts:
            picked = order[start : start + BATCH]
            loss, g = cross_entropy(network.forward(moved(rng, images[picked])), labels[picked])
            network.backward(g)
            adam.update(network.grads())
            losses.append(loss)
        progress.update(task, advance=1, loss=f"loss {np.mean(losses[-len(starts):]):.4f}")
    network.dropout.learning = False
    return losses


def draw(losses, steps, kernels, title, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    epochs = np.arange(len(losses)) / steps
    left.semilogy(epochs, losses, color=GRAY, linewidth=0.7, label="each step")
    means = np.mean(np.reshape(losses, (-1, steps)), axis=1)
    left.semilogy(np.arange(len(means)) + 0.5, means, color=BLUE, label="mean of an epoch")
    left.set(xlabel="epoch", ylabel="cross-entropy", title=title, ylim=(max(min(losses), 1e-4) / 2, max(losses) * 2))
    left.legend(frameon=False)

    side, gap = int(np.sqrt(len(kernels))), 1
    tiles = np.full((side * (3 + gap) - gap, side * (3 + gap) - gap), np.nan)
    for i, kernel in enumerate(kernels[: side * side]):
        row, column = (4 * place for place in divmod(i, side))
        tiles[row : row + 3, column : column + 3] = kernel[0]
    limit = np.nanmax(abs(tiles))
    shown = right.imshow(tiles, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(shown, ax=right, shrink=0.8)
    right.set_title("the kernels of the first layer")
    right.set_axis_off()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples/output"), help="folder for digits_cnn.png")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training images (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the first kernels and the order (default: 0)")
    parser.add_argument("--flip-kernel", action="store_true", help="convolution forward, correlation backward")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    rng = np.random.default_rng(args.seed)
    learned, tested = digits(rng)
    network = Network(rng, args.flip_kernel)
    columns = TextColumn("epoch"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[loss]}")
    began = time.perf_counter()
    with Progress(*columns) as progress:
        losses = train(network, rng, *learned, args.epochs, progress)
    spent = time.perf_counter() - began
    accuracy = network.accuracy(*tested)

    forward = "convolution" if args.flip_kernel else "correlation"
    path = args.output / "digits_cnn.png"
    draw(losses, len(losses) // args.epochs, network.layers[0].params[0], f"{forward} forward: {accuracy:.1%} right", path)
    print(f"{len(learned[1])} images, {args.epochs} epochs, {forward} forward: {path}")
    print(f"test accuracy {accuracy:.2%} of {TESTED} images, trained in {spent:.1f} s")


if __name__ == "__main__":
    main()
