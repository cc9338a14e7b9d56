"""Edges of a photograph: smooth it, take Sobel derivatives of its three color channels, draw where they are large.

    python examples/edges.py --output pictures

The photograph is "coffee" (CC0, Rachel Michetti), which ships inside scikit-image's wheel; nothing is downloaded.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb
from skimage import data

import corrfast as cf

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 8


def gaussian(sigma):
    t = np.arange(-round(3 * sigma), round(3 * sigma) + 1)
    bell = np.exp(-0.5 * (t / sigma) ** 2)
    return (bell / bell.sum()).astype(np.float32)


def smooth(photo, sigma):
    """A Gaussian is a product of one factor per axis, so two 1-D filters do what a 2-D one would."""
    bell = gaussian(sigma)
    down = cf.correlate(photo, bell, "same", axes=[0], boundary="reflect")
    return cf.correlate(down, bell, "same", axes=[1], boundary="reflect")


def edges(photo, sigma=1.5):
    """Strength and direction (radians) of the edge at each pixel; `photo` is (rows, columns, channels), 0 to 1."""
    soft = smooth(photo, sigma)
    across = cf.correlate(soft, SOBEL, "same", axes=[0, 1], boundary="reflect")
    down = cf.correlate(soft, SOBEL.T, "same", axes=[0, 1], boundary="reflect")
    strength = np.hypot(across, down)
    # An edge between two colors of equal brightness shows in one channel alone: take the strongest.
    strongest = strength.argmax(axis=-1)[..., None]
    pick = [np.take_along_axis(values, strongest, axis=-1)[..., 0] for values in (strength, across, down)]
    return pick[0], np.arctan2(pick[2], pick[1])


def draw(photo, strength, direction, path):
    # Highlights would leave the rest dark: clip the strongest hundredth of the pixels, and lift the faint ones a little.
    value = np.clip(strength / np.quantile(strength, 0.99), 0, 1) ** 0.8
    # Opposite directions are the same edge, seen from the other side: one turn of the color wheel is half a turn.
    hue = direction / np.pi % 1.0
    colored = hsv_to_rgb(np.stack([hue, np.full_like(hue, 0.7), value], axis=-1))

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    left.imshow(photo)
    left.set_title("photograph")
    right.imshow(colored)
    right.set_title("Sobel edges; the color is the direction")
    for axes in (left, right):
        axes.set_axis_off()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples/output"), help="folder for edges.png")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    photo = data.coffee().astype(np.float32) / 255
    strength, direction = edges(photo)
    path = args.output / "edges.png"
    draw(photo, strength, direction, path)
    share = float(np.mean(strength > 0.1))
    print(f"{photo.shape[1]} x {photo.shape[0]} pixels, {share:.1%} of them on an edge: {path}")


if __name__ == "__main__":
    main()
