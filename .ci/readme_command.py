#!/usr/bin/env python3
"""Print one of the README's two commands: `readme_command.py run` or `readme_command.py test`."""

import re
import sys
from pathlib import Path


def command(name):
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^<!-- command: {name} -->\n```sh\n(.+)\n```$", readme, re.M)
    return line


if __name__ == "__main__":
    print(command(sys.argv[1]))
