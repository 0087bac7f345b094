"""Whether every class has the photos, or the faces, that training and evaluation need.

Counts map (label, split) to a number of photos or faces. ``unit`` is the word for them: "photo" or "face".
"""

from collections import Counter
from collections.abc import Mapping

from pipeline.runtime.errors import InputError

Counts = Mapping[tuple[str, str], int]

FEW = 5  # validation photos of a class, below which the choice of the best epoch depends on chance
OUTCOMES = {"count": "count as never recognised", "exclude": "are left out"}  # of evaluate.untrained_labels


def untrained(counts: Counts) -> dict[str, int]:
    """Return the labels that only validation or test have, and how many photos or faces there, in alphabetical order."""
    found: Counter[str] = Counter()
    for (label, split), number in counts.items():
        if split in ("validation", "test") and not counts.get((label, "train")):
            found[label] += number
    return dict(sorted((+found).items()))


def refuse_untrained(counts: Counts, unit: str, policy: str, fix: str) -> None:
    """Refuse labels that no training photo or face has, unless the user chose their outcome.

    Args:
        counts: The numbers by label and split.
        unit: "photo" or "face".
        policy: ``evaluate.untrained_labels``.
        fix: Advice on the missing training photos or faces, for the message.

    Raises:
        InputError: If there is such a label and the policy is ``refuse``.
    """
    labels = untrained(counts)
    if labels and policy == "refuse":
        raise InputError(
            f"no training {unit} has the label {_listed(labels)}, but {sum(labels.values()):,} {unit}s of other splits do: "
            f"{fix}, or set evaluate.untrained_labels to count (as never recognised) or exclude (they are left out)"
        )


def refuse_empty_splits(counts: Counts, unit: str, fix: str) -> None:
    """Refuse counts of which a split has nothing.

    Raises:
        InputError: If training, validation or test has no photo or face at all.
    """
    for split in ("train", "validation", "test"):
        if not any(number for (_, its_split), number in counts.items() if its_split == split):
            raise InputError(f"no {unit} is left in the {split} split: {fix}")


def warnings(counts: Counts, unit: str, policy: str) -> list[str]:
    """Describe in sentences the classes that cannot be learnt, chosen or judged well.

    Args:
        counts: The numbers by label and split.
        unit: "photo" or "face".
        policy: ``evaluate.untrained_labels``.
    """
    trained = sorted({label for (label, split), number in counts.items() if split == "train" and number})
    few = {label: counts.get((label, "validation"), 0) for label in trained if counts.get((label, "validation"), 0) < FEW}
    single = [label for label in trained if counts[label, "train"] == 1]
    untested = [label for label in trained if not counts.get((label, "test"))]
    sentences = [untrained_sentence(untrained(counts), unit, policy)] if untrained(counts) else []
    if single:
        sentences.append(f"training has a single {unit} of {_listed(single)}: a class cannot be learnt from it")
    if few:
        numbers = ", ".join(f"{label} {number}" for label, number in few.items())
        sentences.append(
            f"validation has fewer than {FEW} {unit}s of a class ({numbers}): the choice of the best epoch depends on chance"
        )
    if untested:
        sentences.append(
            f"test has no {unit} of {_listed(untested)}: nothing is measured on it, and means over classes leave it out"
        )
    return sentences


def untrained_sentence(labels: Mapping[str, int], unit: str, policy: str, where: str = "in other splits") -> str:
    """Say what becomes of the photos or faces of labels without training photos or faces (see ``untrained``)."""
    outcome = OUTCOMES.get(policy, "cannot be recognised")
    return f"no training {unit} has the label {_listed(labels)}: its {sum(labels.values()):,} {unit}s {where} {outcome}"


def _listed(labels: Mapping[str, int] | list[str]) -> str:
    return ", ".join(labels)
