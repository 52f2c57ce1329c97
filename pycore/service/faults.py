"""Words for settings and entries of files that cannot be: the field, what came, what was wanted.

pydantic's own words are about Python (`Input should be a valid tuple`), give regular expressions, and count from 0.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["faults", "meant", "words_of_choice"]

_CLOSE = 0.8  # as difflib counts; "adress" and "address" have 0.92
_LEAST_BEGINNING = 3  # characters
_FEW = 16  # names that can be listed
_MOST_SHOWN = 60  # characters of what came
_BOUNDS = {
    "greater_than_equal": ("ge", "at least {}"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "less than {}"),
    "string_too_short": ("min_length", "{} or more characters"),
    "string_too_long": ("max_length", "{} or fewer characters"),
}
_KINDS = {
    "bool": "true or false",
    "float": "a number",
    "missing": "a value",
    "model": "a table of settings",
    "path": "the name of a file",
    "string": "a text",
}
_ENTRIES = {"clients": ("client", "name"), "issuers": ("issuer", "issuer")}
"""Lists of tables: how one of them is called, and the key that names it."""


def words_of_choice(words: Sequence[str]) -> str:
    """A list as a sentence has it.

    >>> words_of_choice(["a", "b", "c"])
    'a, b or c'
    """
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def meant(name: str, known: Collection[str], *, also_longer: bool = False) -> str:
    """The known name that a wrong one probably means, as a question; empty where there is none.

    Args:
        name: what was written.
        known: the names that there are.
        also_longer: whether the beginning of known names is meant for them.

    >>> meant("adress", ["address", "lane"]), meant("nothing", ["address"])
    ('is address meant?', '')
    >>> meant("token", ["token_files", "token_subjects", "name"], also_longer=True)
    'is token_files or token_subjects meant?'
    """
    plain = {one.lower().replace("-", "_"): one for one in known}
    asked = name.lower().replace("-", "_")
    found = [plain[one] for one in difflib.get_close_matches(asked, plain, 1, _CLOSE)]
    if not found and also_longer and len(asked) >= _LEAST_BEGINNING:
        found = [one for beginning, one in plain.items() if beginning.startswith(asked)]
    return f"is {words_of_choice(found)} meant?" if found else ""


def faults(error: ValidationError, kind: type[BaseModel], document: Any = None) -> str:
    """All that is wrong, in one line.

    Args:
        error: of pydantic.
        kind: the model that was to be made.
        document: the values that it was to be made of, where they are lists of tables that have names.
    """
    rows = error.errors()
    wrong = [row["loc"] for row in rows]
    found = [
        _words(row, kind, document)
        for row in rows
        # A list is counted without its faulty entries, so it may seem to be too short because of them.
        if row["type"] != "too_short" or not any(_is_below(loc, row["loc"]) for loc in wrong)
    ]
    return "; ".join(found)


def _is_below(loc: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(loc) > len(other) and loc[: len(other)] == other


def _words(row: Mapping[str, Any], kind: type[BaseModel], document: Any) -> str:
    loc = list(row["loc"])
    where = []
    if len(loc) > 1 and loc[0] in _ENTRIES and isinstance(loc[1], int):
        where.append(_entry(loc[0], loc[1], document))
        kind, loc = _kind_of_entries(kind, loc[0]), loc[2:]
    names = [str(part) for part in loc if not isinstance(part, int)]
    fault = _fault(row, names[-1] if names else "", kind)
    return ": ".join([*where, *([".".join(names)] if names else []), fault])


def _entry(group: str, index: int, document: Any) -> str:
    """An entry by its name, or counted from 1."""
    word, key = _ENTRIES[group]
    try:
        name = document[group][index][key]
    except (KeyError, IndexError, TypeError):
        name = None
    return f"{word} {name[:_MOST_SHOWN]!r}" if isinstance(name, str) and name else f"{word} {index + 1}"


def _kind_of_entries(kind: type[BaseModel], group: str) -> type[BaseModel]:
    annotation: Any = kind.model_fields[group].annotation
    found: type[BaseModel] = annotation.__args__[0]  # tuple[Entry, ...]
    return found


def _fault(row: Mapping[str, Any], name: str, kind: type[BaseModel]) -> str:
    """The words about one value."""
    about, context = row["type"], row.get("ctx", {})
    if about == "value_error":
        return str(row["msg"]).removeprefix("Value error, ")
    if about == "extra_forbidden":
        fields = list(kind.model_fields)
        hint = meant(name, fields, also_longer=True) or (
            f"there are {', '.join(fields)}" if len(fields) <= _FEW else ""
        )
        return "; ".join(filter(None, ("no such setting", hint)))
    wanted = _wanted(about, name, kind, context)
    if about == "missing" or (about == "too_short" and name in _ENTRIES):
        return f"wanted {wanted}, and there is none"
    if not wanted:
        return str(row["msg"])
    return f"got {_shown(name, row['input'])}, wanted {wanted}"


def _wanted(about: str, name: str, kind: type[BaseModel], context: Mapping[str, Any]) -> str:
    """The values that there may be; empty where only pydantic knows."""
    if about in _BOUNDS:
        key, words = _BOUNDS[about]
        return words.format(context[key])
    field = kind.model_fields.get(name)
    extra = field.json_schema_extra if field is not None else None
    if isinstance(extra, dict) and "wanted" in extra:
        return str(extra["wanted"])
    if name in _ENTRIES:
        return f"a list of entries (in TOML [[{name}]] above each)"
    if about == "tuple_type":
        return f'a list, written {name} = ["...", "..."]'
    if about.startswith("int_"):
        return _number(name, field.default if field is not None else None)
    if about == "literal_error":
        return str(context["expected"]).replace("'", "")
    return _KINDS.get(about.partition("_")[0], "")


def _number(name: str, default: object) -> str:
    of_bytes = name.endswith("_bytes")
    such = default if isinstance(default, int) else 16 << 20 if of_bytes else None
    return f"a {'number of bytes' if of_bytes else 'whole number'}{'' if such is None else f', such as {such}'}"


def _shown(name: str, value: object) -> str:
    """The value that came, cut short; not where it may be a secret in the wrong place."""
    if isinstance(value, Mapping):
        return "a table"
    if name.startswith("token"):
        return "a text" if isinstance(value, str) else "something else"
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
