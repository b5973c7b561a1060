"""What draws and redraws: the agent, and the strategies that send it on."""

from loopwright.images.refining._beliefs import Votes, after_edit, all_hold, beliefs, new_picture, turned
from loopwright.images.refining._ircig import IRCIG, ImageCritic, as_critic_says, published_critique
from loopwright.images.refining._operations import PICTURE, Operation, answers, next_operation, wants_new_picture
from loopwright.images.refining._preparation import checklist_of, given_checklist
from loopwright.images.refining._refiner import ImageRefiner, PlannedEdit, next_edit
from loopwright.images.refining._streams import STREAMS, next_stream, picture_to_edit, price

__all__ = [
    "IRCIG",
    "PICTURE",
    "STREAMS",
    "ImageCritic",
    "ImageRefiner",
    "Operation",
    "PlannedEdit",
    "Votes",
    "after_edit",
    "all_hold",
    "answers",
    "as_critic_says",
    "beliefs",
    "checklist_of",
    "given_checklist",
    "new_picture",
    "next_edit",
    "next_operation",
    "next_stream",
    "picture_to_edit",
    "price",
    "published_critique",
    "turned",
    "wants_new_picture",
]
