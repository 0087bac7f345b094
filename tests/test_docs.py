"""The pages are true: every command, option, parameter, path and link that they show exists."""

import itertools
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from dvc.cli import DvcParserError
from dvc.cli.parser import get_main_parser
from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps
from ruamel.yaml import YAML

from pipeline.cli import aucue
from pipeline.runtime import parameters
from pipeline.runtime.errors import InputError

REPOSITORY = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "pipeline/README.md",
    "pipeline/RESULTS.md",
    "pipeline/codebooks/README.md",
    "train/README.md",
    "train/RESULTS.md",
    "train/models/methods/README.md",
    "data/README.md",
    ".github/ARCHITECTURE.md",
    ".github/CHANGELOG.md",
    ".github/CONTRIBUTING.md",
]
ROOMS = ("pipeline", "train", ".github")  # folders with pages
MOST_WORDS = 1200  # of README.md
HISTORY = ".github/CHANGELOG.md"  # names parameters and files of earlier versions
EXAMPLES = ("NAME", "mine", "maxcam")  # that a reader makes
CHECKED = (click.Choice, click.types.IntParamType, click.types.FloatParamType)
SETUP = "python3 -m venv"  # how both setup commands of README.md begin
BLOCKS = "|".join(parameters.Params.model_fields)
PARAMETER = re.compile(rf"((?:{BLOCKS})\.[a-z_]+(?:\.[a-z_]+)?)(?:(?:=|: )(.+))?")
PATH = re.compile(r"(?:pipeline|train|tests|\.github|\.ci)/[\w./-]*[\w/]")


class Command(NamedTuple):
    """A command as a page shows it: in a block it is complete, in a sentence its arguments may be left out."""

    words: tuple[str, ...]
    complete: bool


class WrongPageError(Exception):
    """The page shows something that does not exist."""


def read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def fences(text: str) -> Iterator[tuple[str, str]]:
    """The language and the content of every fenced block."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def inline_codes(text: str) -> list[str]:
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(text))]


def split_line(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a shell line, without its comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for is_operator, words in itertools.groupby(lexer, lambda word: set(word) <= set("&|;")):
        if not is_operator:
            yield tuple(words)


def commands_of(text: str) -> Iterator[Command]:
    for language, content in fences(text):
        if language == "sh":
            for line in content.replace("\\\n", " ").splitlines():
                yield from (Command(words, complete=True) for words in split_line(line))
    for code in inline_codes(text):
        if code.startswith(("aucue ", "dvc ", "pip ")):
            yield from (Command(words, complete=False) for words in split_line(code))


def check_aucue(words: tuple[str, ...], complete: bool) -> None:
    """Find the command in the click group, and parse its options and arguments without running it."""
    shown = f"aucue {' '.join(words)}"
    try:
        command, given, rest = resolve(words)
    except click.UsageError as error:
        raise WrongPageError(f"{shown}: {error.format_message()}") from error
    if rest:
        raise WrongPageError(f"{shown}: unexpected arguments {rest}")
    if not complete or "help" in given:
        return
    if isinstance(command, click.Group) and not command.invoke_without_command:
        raise WrongPageError(f"{shown}: the name of a command is missing")
    if missing := [parameter.name for parameter in command.params if parameter.required and parameter.name not in given]:
        raise WrongPageError(f"{shown}: {', '.join(missing)} is missing")


def resolve(words: tuple[str, ...]) -> tuple[click.Command, set[str], list[str]]:
    """The innermost command of a line, the names of its parameters that have a value, and the words left over."""
    command: click.Command = aucue
    context = click.Context(aucue, info_name="aucue", **aucue.context_settings)
    given, rest = parse(command, context, list(words))
    while isinstance(command, click.Group) and rest:
        name = rest.pop(0)
        inner = command.get_command(context, name)
        if inner is None:
            raise click.UsageError(f"there is no command {name}")
        context = click.Context(inner, info_name=name, parent=context, **inner.context_settings)
        command = inner
        given, rest = parse(command, context, rest)
    return command, given, rest


def parse(command: click.Command, context: click.Context, words: list[str]) -> tuple[set[str], list[str]]:
    """The names of the parameters that have a value, and the words left over; choices and numbers are checked."""
    values, rest, order = command.make_parser(context).parse_args(words)
    given = {parameter.name for parameter in order if is_given(values.get(parameter.name))}
    for parameter in order:
        if parameter.name in given and isinstance(parameter.type, CHECKED):
            parameter.type_cast_value(context, values[parameter.name])
    return given, rest


def is_given(value: object) -> bool:
    """Neither None nor click's own mark for what is not there, nor a list of these."""
    return isinstance(value, str | int) or (isinstance(value, list | tuple) and bool(value) and all(map(is_given, value)))


def stages() -> set[str]:
    """The names of the stages of dvc.yaml, with and without their variants."""
    content = YAML(typ="safe").load(REPOSITORY / "dvc.yaml")
    variants = content["vars"][0]["variants"]
    names = set(content["stages"])
    return names | {f"{name}@{variant}" for name in names if "matrix" in content["stages"][name] for variant in variants}


def check_dvc(words: tuple[str, ...], folder: Path) -> None:
    """Parse a command with DVC's own parser, look up its stages, and apply its values to a copy of params.yaml."""
    try:
        arguments = get_main_parser().parse_args(words)
    except DvcParserError as error:
        raise WrongPageError(f"dvc {' '.join(words)}: {error}") from error
    except SystemExit:  # --help
        return
    if words[0] == "repro" or words[:2] == ("exp", "run"):
        for target in arguments.targets:
            if target not in stages():
                raise WrongPageError(f"dvc {' '.join(words)}: dvc.yaml has no stage {target}")
    check_parameters(getattr(arguments, "set_param", None) or [], folder)


def check_parameters(overrides: list[str], folder: Path) -> None:
    """Apply overrides such as train.lambda=1,2 to a copy of params.yaml, as DVC does, and read it as aucue does."""
    path = folder / "params.yaml"
    try:
        for sweep in get_hydra_sweeps({"params.yaml": overrides}):
            shutil.copy(REPOSITORY / "params.yaml", path)
            apply_overrides(path, sweep["params.yaml"])
            parameters.load(path)
    except (DvcException, InputError) as error:
        raise WrongPageError(f"{' '.join(overrides)}: {error.__cause__ or error}") from error


def check_pip(words: tuple[str, ...]) -> None:
    """The extras and the requirement files of a pip command exist."""
    setup = ConfigParser()
    setup.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    for before, word in itertools.pairwise(words):
        extras = re.fullmatch(r"\.\[([\w,]+)\]", word)
        if extras and (unknown := set(extras[1].split(",")) - set(setup["options.extras_require"])):
            raise WrongPageError(f"{' '.join(words)}: setup.cfg has no extra {sorted(unknown)}")
        if before in ("-c", "-r") and not (REPOSITORY / word).is_file():
            raise WrongPageError(f"{' '.join(words)}: there is no file {word}")


def check(command: Command, folder: Path) -> None:
    program, *rest = command.words
    if program == "aucue":
        check_aucue(tuple(rest), command.complete)
    elif program == "dvc":
        check_dvc(tuple(rest), folder)
    elif program == "pip":
        check_pip(tuple(rest))


def wrong_in(checks: Iterator) -> list[str]:
    """What the checks find, so that one run of the tests shows every mistake of a page."""
    wrong = []
    for function, arguments in checks:
        try:
            function(*arguments)
        except WrongPageError as error:
            wrong.append(str(error))
    return wrong


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    seen, found = Counter(), set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(anchor if not seen[anchor] else f"{anchor}-{seen[anchor]}")
        seen[anchor] += 1
    return found


def check_link(page: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
    if not file.exists():
        raise WrongPageError(f"{page}: there is no {target}")
    if anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
        raise WrongPageError(f"{page}: {path or page} has no heading #{anchor}")


def check_named_parameter(code: str, folder: Path) -> None:
    """The parameter exists, and a value that is written beside it is allowed."""
    name, value = PARAMETER.fullmatch(code).groups()
    known = YAML(typ="safe").load(REPOSITORY / "params.yaml")
    for part in name.split("."):
        if not isinstance(known, dict) or part not in known:
            raise WrongPageError(f"{code}: params.yaml has no such parameter")
        known = known[part]
    if value is not None:
        check_parameters([f"{name}={value}"], folder)


def is_example(code: str) -> bool:
    return any(name in code for name in EXAMPLES)


def check_path(code: str) -> None:
    if not (REPOSITORY / code).exists():
        raise WrongPageError(f"there is no {code}")


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_exist(page, tmp_path):
    assert wrong_in((check, (command, tmp_path)) for command in commands_of(read(page))) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_exist(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(read(page)))
    inside = [target for target in targets if not re.match(r"https?:|mailto:", target)]
    assert wrong_in((check_link, (page, target)) for target in inside) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY])
def test_named_parameters_exist(page, tmp_path):
    codes = [code for code in inline_codes(read(page)) if PARAMETER.fullmatch(code) and not is_example(code)]
    assert wrong_in((check_named_parameter, (code, tmp_path)) for code in codes) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY])
def test_named_files_exist(page):
    codes = [code for code in inline_codes(read(page)) if PATH.fullmatch(code) and not is_example(code)]
    assert wrong_in((check_path, (code,)) for code in codes) == []


def test_pages_are_all_there():
    """A new page is tested, too."""
    found = [*REPOSITORY.glob("*.md"), *(path for room in ROOMS for path in (REPOSITORY / room).rglob("*.md"))]
    assert {path.relative_to(REPOSITORY).as_posix() for path in found} | {"data/README.md"} == set(PAGES)


def test_readme_is_short_and_has_two_setup_commands():
    text = read("README.md")
    assert len(text.split()) <= MOST_WORDS
    blocks = [content for language, content in fences(text) if language == "sh" and content.startswith(SETUP)]
    assert len(blocks) == 2
    assert [len(block.splitlines()) for block in blocks] == [1, 1]
    first, second = ([words[0] for words in split_line(block)] for block in blocks)
    assert first == ["python3", ".", "pip", "dvc"]
    assert second == ["python3", ".", "pip", "pytest"]


def test_commands_are_found():
    """The pages hold many commands: a mistake in reading them would let every page pass."""
    found = Counter(command.words[0] for page in PAGES for command in commands_of(read(page)))
    assert found["aucue"] > 50
    assert found["dvc"] > 30
    assert found["pip"] >= 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```sh\naucue detekt\n```", "there is no command detekt"),
        ("```sh\naucue detect --manifesto x.csv\n```", "No such option"),
        ("```sh\naucue detect --manifest\n```", "requires an argument"),
        ("```sh\naucue detect photos\n```", "unexpected arguments"),
        ("```sh\naucue codebook check\n```", "codebook check: .* is missing"),
        ("```sh\naucue codebook\n```", "the name of a command is missing"),
        ("```sh\naucue train --variant lead\n```", "'lead' is not one of"),
        ("```sh\naucue ingest && aucue detekt  # a comment\n```", "there is no command detekt"),
        ("Run `aucue detect --manifesto` first", "No such option"),
        ("Run `aucue\ndetekt` first", "there is no command detekt"),
        ("```sh\ndvc reprise\n```", "dvc reprise"),
        ("```sh\ndvc repro --farce\n```", "dvc repro --farce"),
        ("```sh\ndvc repro heatmap\n```", "no stage heatmap"),
        ("```sh\ndvc exp run evaluate@best\n```", "no stage evaluate@best"),
        ("```sh\ndvc exp run -S train.lambada=2\n```", "lambada"),
        ("```sh\ndvc exp run -S trane.lambda=2\n```", "trane"),
        ("```sh\ndvc exp run --queue -S train.lambda=2,-4\n```", "train.lambda"),
        ("```sh\ndvc exp run -S 'train.align=[attention,cat]'\n```", "train.align"),
        ("```sh\npip install -e '.[demon]'\n```", "no extra"),
        ("```sh\npip install -c constraint.txt -e '.[demo]'\n```", "no file constraint.txt"),
    ],
)
def test_a_wrong_command_is_found(text, message, tmp_path):
    (wrong,) = wrong_in((check, (command, tmp_path)) for command in commands_of(text))
    assert re.search(message, wrong)


@pytest.mark.parametrize("target", ["no.md", "#no-heading", "train/RESULTS.md#no-heading", "../README.md"])
def test_a_wrong_link_is_found(target):
    with pytest.raises(WrongPageError, match=r"README\.md: "):
        check_link("README.md", target)


@pytest.mark.parametrize("code", ["train.lambada", "train.augment.spin", "train.epochs=none", "detect.on_multiple: all"])
def test_a_wrong_parameter_is_found(code, tmp_path):
    with pytest.raises(WrongPageError):
        check_named_parameter(code, tmp_path)
