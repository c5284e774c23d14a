"""Two loss curves of the same training, side by side."""


def largest_difference(name, ours, theirs, floor=0.0):
    """The largest relative difference of all steps, and a line that says where. Losses below `floor` count as that."""
    if len(ours) != len(theirs):
        raise SystemExit(f"{len(ours)} steps, {len(theirs)} in the reference")
    differences = [abs(a - b) / max(abs(b), floor) for a, b in zip(ours, theirs)]
    largest = max(differences)
    print(f"{name} {len(ours)} steps, loss {theirs[0]:.4f} to {theirs[-1]:.4f}, largest relative difference {largest:.2e} at step "
          f"{differences.index(largest) + 1}", flush=True)
    return largest


def verdict(worst, bound):
    print(f"worst {worst:.2e}, bound {bound:.0e}")
    return 1 if worst > bound else 0
