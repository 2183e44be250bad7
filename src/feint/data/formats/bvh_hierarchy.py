"""The HIERARCHY of a BVH file: its joints and end sites, parents first.

`bvh` reads the motion and places the joints; here is the tree alone, token by token, with limits.
"""

from dataclasses import dataclass, field

from feint.data.formats.recording import LARGEST, MOST_JOINTS
from feint.errors import FeintError

DEEPEST = 100
LONGEST_NAME = 100
CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")


@dataclass
class Node:
    """A joint or an end site: `parent` is a position in the file's list, -1 for a root."""

    name: str
    parent: int
    is_tip: bool = False
    offset: list[float] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def read_hierarchy(content: bytes, file: str) -> list[Node]:
    """The nodes of a file's trees, one tree a ROOT, parents first.

    Raises:
        FeintError: not a hierarchy, too deep or too large, with the word that is wrong.
    """
    return _Parser(content, file).nodes()


class _Parser:
    def __init__(self, content: bytes, file: str) -> None:
        self.tokens = content.decode("utf-8", "replace").replace("{", " { ").split()
        self.file, self.at = file, 0

    def nodes(self) -> list[Node]:
        nodes: list[Node] = []
        self._expect("HIERARCHY")
        while self.at < len(self.tokens):
            self._expect("ROOT")
            self._tree(nodes)
        if not nodes:
            self._expect("ROOT")
        for one in nodes:
            if len(one.offset) != 3:
                raise FeintError(
                    f"{self.file}: the joint {one.name!r} has no OFFSET; expected three numbers.",
                    code="not-bvh",
                )
        names = [one.name for one in nodes if not one.is_tip]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FeintError(
                f"{self.file} has two joints named {twice!r}; expected each name once.",
                code="duplicate-name",
            )
        return nodes

    def _tree(self, nodes: list[Node]) -> None:
        stack = [self._node(nodes, -1)]
        while stack:
            token = self._next()
            inside = not nodes[stack[-1]].is_tip
            if token == "}":
                stack.pop()
            elif token == "JOINT" and inside:
                stack.append(self._node(nodes, stack[-1]))
            elif token == "End" and inside:
                self._expect("Site")
                self._expect("{")
                nodes.append(Node("", stack[-1], is_tip=True))
                stack.append(len(nodes) - 1)
            elif token == "OFFSET":
                nodes[stack[-1]].offset = [self._number() for _ in range(3)]
            elif token == "CHANNELS" and inside:
                nodes[stack[-1]].channels = self._channels()
            else:
                raise self._wrong(token, "JOINT, End Site, OFFSET, CHANNELS or a closing bracket")
            if len(stack) > DEEPEST or len(nodes) > 2 * MOST_JOINTS:
                raise FeintError(
                    f"{self.file} has a tree of more than {DEEPEST} levels or {2 * MOST_JOINTS} "
                    "joints and end sites; expected a person.",
                    code="file-too-large",
                )

    def _node(self, nodes: list[Node], parent: int) -> int:
        words = []
        while (token := self._next()) != "{":
            words.append(token)
            if len(words) > 8:
                raise self._wrong(token, "a joint's name and an opening bracket")
        name = " ".join(words)
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise self._wrong(name, "a joint's name")
        nodes.append(Node(name, parent))
        return len(nodes) - 1

    def _channels(self) -> list[str]:
        count = self._next()
        if not (count.isdecimal() and len(count) == 1 and int(count) <= 6):
            raise self._wrong(count, "a number of channels, 0 to 6")
        named = [self._next() for _ in range(int(count))]
        if not set(named) <= set(CHANNELS) or len(set(named)) != len(named):
            raise self._wrong(" ".join(named), f"channels such as {' '.join(CHANNELS)}, each once")
        return named

    def _number(self) -> float:
        token = self._next()
        try:
            value = float(token)
        except ValueError:
            value = float("nan")
        if not abs(value) < LARGEST:
            raise self._wrong(token, "a finite number")
        return value

    def _expect(self, word: str) -> None:
        token = self._next()
        if token != word:
            raise self._wrong(token, word)

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise FeintError(
                f"{self.file} ends inside its HIERARCHY; expected a whole BVH file.",
                code="damaged-file",
            )
        self.at += 1
        return self.tokens[self.at - 1]

    def _wrong(self, got: str, expected: str) -> FeintError:
        return FeintError(
            f"{self.file}: got {got[:40]!r} in its HIERARCHY; expected {expected}.", code="not-bvh"
        )
