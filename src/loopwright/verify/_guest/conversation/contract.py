"""What the two sides of a conversation need of each other's parts."""

from __future__ import annotations

from typing import Any, Protocol


class Guard(Protocol):
    """What this side lets the other do, and how it sees its own objects."""

    hides: bool
    """Whether the other side gets no more of an object than what it was handed: no causes of exceptions, no copies."""

    def check(self, op: str, target: Any, args: tuple[Any, ...]) -> None:
        """Refuses an operation on an object of this side by raising AttributeError or TypeError."""

    def may_cross(self, value: Any) -> None:
        """Refuses to hand out an object of this side by raising TypeError."""

    def base_of(self, value: Any) -> type | None:
        """The plain type as which an instance of a subclass crosses; None for a handle."""

    def global_name(self, value: Any) -> str | None:
        """`module:name` under which the other side finds its own copy of the object; None for a handle."""

    def resolve(self, name: str) -> Any:
        """The object that the other side means by `module:name`."""

    def asks_equality(self, other: Any) -> bool:
        """Whether an object of the other side is asked if it equals `other`."""

    def refuse(self, cls: type, name: str) -> None:
        """Raises if objects of the other side are not asked for a special method or an attribute."""

    def refuses(self, name: str) -> bool:
        """Whether `refuse` would raise."""

    def factory(self, make: Any) -> Any:
        """What fills a defaultdict of the other side in place of its own function."""

    def catches(self, cls: type[BaseException]) -> type[BaseException]:
        """Takes note of an exception class that the other side hands over; returns it."""

    def may_swallow(self, error: BaseException | None) -> bool:
        """Whether a context manager of the other side may swallow an exception."""

    def shown_file(self, path: str) -> str | None:
        """How a file is named in the frames that the other side gets to see; None to leave the frame out."""

    def failed(self, error: BaseException) -> None:
        """Takes note of an exception that is about to be handed to the other side."""


class Conversation(Protocol):
    """This side's end of the pipe, as stand-ins for objects of the other side use it."""

    @property
    def guard(self) -> Guard:
        """What this side lets the other do."""

    def request(self, op: str, target: int | None, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Asks the other side to do something to one of its objects."""

    def is_remote(self, value: Any) -> bool:
        """Whether a value is an object, a class or an exception of the other side."""

    def export(self, value: Any) -> int:
        """The number under which the other side may ask for an object of this side."""

    def exported(self, number: Any) -> Any:
        """The object of this side that has a number."""

    def mirror(self, number: int, name: str, bases: Any) -> type[BaseException]:
        """The class that stands for an exception class of the other side."""
