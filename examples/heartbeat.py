"""Beats in a heart's recording: smooth a noisy electrocardiogram, find every beat that looks like the first.

    python examples/heartbeat.py --output pictures

The recording ships inside PyWavelets' wheel (`pywt.data.ecg`); nothing is downloaded. Noise is added to it, as a loose
electrode would, so that there is something to smooth.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen
import matplotlib.pyplot as plt
import numpy as np
import pywt

import corrfast as cf

NOISE = 12.0  # standard deviation, in the recording's units; the beats are about 300 high
ALIKE = 0.8  # normalized correlation from which a place counts as a beat
BLUE, RED, GRAY = "#1f5fa8", "#c8402f", "#b9bec6"


def gaussian(sigma):
    t = np.arange(-round(3 * sigma), round(3 * sigma) + 1)
    bell = np.exp(-0.5 * (t / sigma) ** 2)
    return bell / bell.sum()


def denoise(recording, sigma=2.0):
    """Smooth; the ends are mirrored, so that they do not bend toward zero."""
    return cf.correlate(recording, gaussian(sigma), "same", boundary="reflect")


def likeness(signal, template):
    """Normalized correlation at each place where the template fits: 1 where the signal has its shape, at any height.

    Subtracting the template's mean makes the numerator blind to the signal's level; the denominator divides the
    signal's spread inside the window out of it.
    """
    shape = template - template.mean()
    window = np.ones(len(template))
    total = cf.correlate(signal, window)
    squares = cf.correlate(signal**2, window)
    spread = np.sqrt(np.maximum(squares - total**2 / len(template), 0))
    return cf.correlate(signal, shape) / (np.linalg.norm(shape) * np.maximum(spread, 1e-12))


def peaks(values, threshold, apart):
    """Indices of the largest values, at least `apart` from each other."""
    found = []
    for index in np.argsort(values)[::-1]:
        if values[index] < threshold:
            break
        if all(abs(index - other) >= apart for other in found):
            found.append(int(index))
    return sorted(found)


def draw(noisy, smooth, alike, template, beats, path):
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(11, 6), sharex=True, layout="constrained", height_ratios=[3, 2])
    top.plot(noisy, color=GRAY, linewidth=0.8, label="recording with noise")
    top.plot(smooth, color=BLUE, linewidth=1.6, label="smoothed")
    for number, beat in enumerate(beats):
        top.axvspan(beat, beat + len(template), color=RED, alpha=0.12, label=None if number else "like the first beat")
    top.set_ylabel("voltage (recording's units)")
    top.legend(loc="upper right", frameon=False, ncols=3)

    # Each place is drawn at the middle of its window.
    middle = np.arange(len(alike)) + (len(template) - 1) / 2
    bottom.plot(middle, alike, color=BLUE, linewidth=1.4)
    bottom.axhline(ALIKE, color=GRAY, linewidth=1, linestyle="--")
    bottom.plot(middle[beats], alike[beats], "o", color=RED)
    bottom.set_ylabel("normalized correlation\nwith the first beat")
    bottom.set_xlabel("sample")
    bottom.set_ylim(-1.05, 1.15)
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.01)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples/output"), help="folder for heartbeat.png")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    clean = pywt.data.ecg().astype(float)
    noisy = clean + np.random.default_rng(7).normal(0, NOISE, len(clean))
    smooth = denoise(noisy)
    first = int(np.argmax(smooth[:300]))  # the top of the first beat
    template = smooth[first - 70 : first + 130]  # its rise, peak and fall, and the low wave after it
    alike = likeness(smooth, template)
    beats = peaks(alike, ALIKE, apart=len(template))

    path = args.output / "heartbeat.png"
    draw(noisy, smooth, alike, template, beats, path)
    before, after = (float(np.std(signal - clean)) for signal in (noisy, smooth))
    print(f"noise {before:.1f} -> {after:.1f}; {len(beats)} beats, {np.diff(beats)} samples apart: {path}")


if __name__ == "__main__":
    main()
