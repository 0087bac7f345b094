"""The names that datasets give to their splits, alone or among other words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from pipeline.faces.manifest import SPLITS

# What datasets call the splits, apart from case and from words such as "set": "Train", "val_set", "testing".
NAMES = {
    "train": (
        *("train", "training", "trn", "trainval", "trainings", "entrainement", "entrenamiento", "treino", "addestramento"),
        *("训练", "训练集"),
    ),
    "validation": (
        *("validation", "valid", "val", "dev", "development", "eval", "evaluation", "publictest", "testpublic"),
        *("validierung", "validierungs", "validacion", "validacao", "validazione", "验证", "验证集"),
    ),
    "test": ("test", "testing", "tst", "privatetest", "testprivate", "prueba", "teste", "测试", "测试集"),
}
SPLIT_OF_NAME = {name: split for split, names in NAMES.items() for name in names}
STAND_IN = {
    "validation": ("train", "test"),
    "test": ("validation",),
}  # folders of its photos, if it has none of its own
ENDS = re.compile(r"(?:data|daten|set|split|images|bilder|photos|fotos|class)+$")
MORE_WORDS = re.compile(  # beside the name of a split: "train_256", "fer2013_test", "test_labels"
    r"\d{2,}|x|px|data|set|split|images?|imgs?|photos?|pictures?|faces?|aligned|cropped|crops?|resized|folder|class|classes"
    r"|labels?|list|annotations?|metadata|fer|ferplus|raf|rafdb|db|affectnet|basic"
)


def split_of(name: str) -> str:
    """Return the split that a dataset's name for it means, or the name itself if it is not known."""
    word = re.sub(r"[\W_]", "", _without_accents(name.casefold()))
    return SPLIT_OF_NAME.get(ENDS.sub("", word), name)


def split_named(name: str) -> str:
    """Return the split that a name means; empty if it means none."""
    split = split_of(name)
    return split if split in SPLITS else ""


def split_among_words(name: str) -> str:
    """Return the split that one word of a name means, if the others are in MORE_WORDS or are its number (``1_train``)."""
    words = re.findall(r"[^\W\d_]+|\d+", _without_accents(name.casefold()))
    words = words[1:] if words and words[0].isdecimal() else words
    splits = list(filter(None, map(split_named, words)))
    others = [word for word in words if not split_named(word) and not MORE_WORDS.fullmatch(word)]
    return splits[0] if len(splits) == 1 and not others else ""


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """Return the splits that names of one folder or table mean, by name; names that mean none are left out.

    A name with more words (``1_train``, ``train_256``, ``RAF_train_labels``) counts if no other name means its split.
    """
    names = list(names)
    plain = {name: split for name in names if (split := split_named(name))}
    longer = {name: split for name in names if name not in plain and (split := split_among_words(name))}
    numbers = Counter([*plain.values(), *longer.values()])
    return plain | {name: split for name, split in longer.items() if numbers[split] == 1}


def _without_accents(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
