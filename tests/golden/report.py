"""Rows of the table that `tools/dev conformance` prints: what was compared, with what of it, how often, and how much differed."""


def head():
    print(f"{'comparison':<12} {'of':<52} {'compared':>9} {'differ':>7}", flush=True)


def row(comparison, name, compared, differing, note=""):
    """`name` is a vocabulary, a kind of component or a template's folder; differences themselves go to stderr."""
    name = name if len(name) <= 52 else "..." + name[-49:]
    print(f"{comparison:<12} {name:<52} {compared:>9} {differing:>7}  {note}".rstrip(), flush=True)


if __name__ == "__main__":
    head()
