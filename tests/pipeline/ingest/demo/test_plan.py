from collections import Counter, defaultdict

from pipeline.ingest.demo.plan import EXCLUSIVE, plan, split_people


def test_plan_is_deterministic_and_ids_are_unique(animations, expressions, portraits):
    assert animations == plan(expressions, portraits, 0, 5)
    assert animations != plan(expressions, portraits, 1, 5)
    assert len({animation.id for animation in animations}) == len(animations)


def test_adding_images_keeps_the_earlier_ones(animations, expressions, portraits):
    more = {animation.id: animation for animation in plan(expressions, portraits, 0, 6)}
    assert all(more[animation.id] == animation for animation in animations)


def test_every_portrait_is_used(animations, portraits):
    used = defaultdict(set)
    for animation in animations:
        used[animation.person].add(animation.portrait)
    assert used == {person: set(paths) for person, paths in portraits.items()}


def test_classes_are_balanced(animations, expressions, portraits):
    people = len(portraits)
    assert Counter(animation.label for animation in animations) == dict.fromkeys(expressions, 5 * people)


def test_a_person_is_in_one_split_only(animations, portraits):
    splits = defaultdict(set)
    for animation in animations:
        splits[animation.person].add(animation.split)
    assert all(len(split) == 1 for split in splits.values())
    assert set(splits) == set(portraits)
    sizes = Counter(split for (split,) in splits.values())
    assert sizes == {"test": 8, "validation": 4, "train": len(portraits) - 12}


def test_seed_decides_who_is_held_out():
    people = [f"s{number:02d}" for number in range(40)]
    assert split_people(people, 3) == split_people(people, 3)
    assert split_people(people, 3) != split_people(people, 4)


def test_pictures_show_their_own_aus(animations, expressions):
    for animation in animations:
        shown = set(animation.aus)
        if not expressions[animation.label]:
            assert len(shown) <= 2
            assert all(max(sides) < 0.2 for sides in animation.aus.values())
            continue
        assert shown <= set(expressions[animation.label])
        assert not any(pair <= shown for pair in EXCLUSIVE)
        assert all(0 < side < 2 for sides in animation.aus.values() for side in sides)
    seen = defaultdict(set)
    for animation in animations:
        seen[animation.label] |= set(animation.aus)
    for label, listed in expressions.items():
        assert not listed or seen[label] == set(listed)


def test_unlisted_expressions_and_aus_need_no_change_here(portraits):
    (one,) = plan({"wink": [46]}, {"s01": portraits["s01"][:1]}, 0, 1)
    assert set(one.aus) == {46}
