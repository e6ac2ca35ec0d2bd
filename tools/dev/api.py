"""What the public headers declare and say, for the tools that need it: man, check-docs, check-symbols.

A comment documents the declarations that follow it without an empty line; its first line begins with their names and a
dash. A declaration may also carry a comment of its own behind it. The labels inside a comment (Returns, Owns, ...) are
those that types.h lists with their defaults.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "executor"
LABELS = ("Returns", "Owns", "From", "Blocks", "Orders", "Cancel", "Threads", "Units", "Since")

_comment = re.compile(r"/\*.*?\*/", re.S)


class Function:
    """One function, or the macro that stands for one: its declaration, what is said of it, and with whom it is said."""

    def __init__(self, name, declaration, header, group, remark):
        self.name = name
        self.declaration = declaration
        self.header = header
        self.group = group
        self.remark = remark  # the comment behind the declaration

    def is_placed(self):
        """exec_x_at(const char *place, ...): what exec_x() is by a macro where places are noted. Told of with exec_x()."""
        return bool(re.search(r"_at\(const char \*place\b", self.declaration))


class Group:
    """Declarations under one comment."""

    def __init__(self, header, comment):
        self.header = header
        self.comment = comment
        self.functions = []

    def head(self):
        """The names the comment begins with."""
        match = re.match(r"((?:exec_\w+(?:, )?)+) - ", self.comment)
        return match.group(1).split(", ") if match else []


def plain(comment):
    """The text of a comment: lines without their stars, indents relative to the text."""
    lines = comment.strip()[2:-2].split("\n")
    lines = [lines[0].strip()] + [re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines[1:]]
    return "\n".join(lines).strip()


def _chunks(text):
    """The header in pieces that are separated by empty lines; a comment is never cut."""
    text = _comment.sub(lambda m: re.sub(r"\n[ \t]*(\*?)[ \t]*\n", lambda e: e.group(0).replace("\n\n", "\n *\n"), m.group(0)), text)
    return re.split(r"\n\s*\n", text)


def _declarations(text):
    """(name, declaration, comment behind it) of each function of a piece."""
    pattern = re.compile(
        r"^EXEC_API (?P<function>.*?;)[ \t]*(?P<remark>/\*.*?\*/)?[ \t]*$"
        r"|^EXEC_INLINE (?P<inline>[^;{]*\))\n\{$"
        r"|^#define (?P<macro>(?P<name>exec_\w+)\([^)]*\))[^\n]*$", re.S | re.M)
    for match in pattern.finditer(text):
        remark = plain(match.group("remark")) if match.group("remark") else ""
        if match.group("inline"):
            declaration = re.sub(r"\s+", " ", match.group("inline"))
            yield re.search(r"\b(exec_\w+)\(", declaration).group(1), declaration, remark
        elif match.group("macro"):
            if not match.group("macro").endswith("(...)"):  # else it only adds the place to a function of its name
                yield match.group("name"), match.group("macro"), remark
        else:
            declaration = re.sub(r"\s+", " ", match.group("function"))
            yield re.search(r"\b(exec_\w+)\(", declaration).group(1), declaration, remark


def header_names():
    return sorted(path.name for path in HEADERS.glob("*.h"))


def header_text(name):
    return (HEADERS / name).read_text()


def header_head(name):
    """The comment at the head of a header."""
    return plain(_comment.match(header_text(name)).group(0))


def functions():
    """Every public function and function-like macro, in the order of the headers."""
    found = []
    for header in header_names():
        body = header_text(header)
        body = body[_comment.match(body).end():]
        for chunk in _chunks(body):
            # Within a piece a comment at the beginning of a line begins a new group.
            parts = re.split(r"(?m)^(?=/\*)", chunk)
            for part in parts:
                match = _comment.match(part)
                group = Group(header, plain(match.group(0)) if match else "")
                rest = part[match.end():] if match else part
                for name, declaration, remark in _declarations(rest):
                    function = Function(name, declaration, header, group, remark)
                    group.functions.append(function)
                    found.append(function)
    return found


def exported():
    """The names that the shared library must have: the functions, not the macros."""
    return sorted(f.name for f in functions() if f.declaration.endswith(";"))


def undocumented():
    """Functions of which nothing is said."""
    bad = []
    for f in functions():
        name = f.name[:-len("_at")] if f.is_placed() else f.name
        if name in f.group.head() or f.remark:
            continue
        bad.append(f)
    return bad


def types():
    """name -> (header, text) of each public struct, enum and function type, with the comment before it."""
    found = {}
    for header in header_names():
        body = header_text(header)
        for match in re.finditer(r"^(?P<text>(?:struct|enum) (?P<tag>exec_\w+) \{.*?\};)", body, re.S | re.M):
            kind = match.group("text").split()[0]
            found["%s %s" % (kind, match.group("tag"))] = (header, match.group("text"))
        for match in re.finditer(r"^(?P<text>typedef [^;{]*?\(\*(?P<name>exec_\w+_fn)\)[^;]*;)", body, re.S | re.M):
            found[match.group("name")] = (header, match.group("text"))
    return found
