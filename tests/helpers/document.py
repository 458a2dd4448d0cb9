# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables of the documents that a run of tests writes: a row or a column that was not measured stays as it was."""
import re


def table(rows):
    """The first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows = [rows[0], ["-" * w for w in widths], *rows[1:]]
    return "".join("| " + " | ".join(word.ljust(w) for word, w in zip(row, widths)) + " |\n" for row in rows)


def cells_of(text, first):
    """The table whose head begins with that cell, by row and column: {row: {column: cell}}."""
    lines = text[text.find("| " + first):].split("\n\n")[0].splitlines() if "| " + first in text else []
    split = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(split[0][1:], row[1:])) for row in split[2:]}


def merged(text, first, columns, names, cell_of):
    """That table with new cells; where cell_of(column, name) is None, the cell of before."""
    old = cells_of(text, first)
    rows = [[first, *columns]]
    for name in names:
        rows.append([name, *(cell_of(c, name) or old.get(name, {}).get(c, "not run") for c in columns)])
    new = table(rows)
    return re.sub(rf"^\| {first} .*\n(\|.*\n)+", lambda _: new, text, flags=re.M)
