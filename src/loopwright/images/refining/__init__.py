"""What draws and redraws: the agent, and the strategies that send it on."""

from loopwright.images.refining._ircig import IRCIG, ImageCritic, as_critic_says
from loopwright.images.refining._operations import Operation, next_operation, wants_new_picture
from loopwright.images.refining._preparation import checklist_of, given_checklist
from loopwright.images.refining._refiner import PICTURE, ImageRefiner
from loopwright.images.refining._streams import STREAMS, Stream, accepted, next_stream, streams_of

__all__ = [
    "IRCIG",
    "PICTURE",
    "STREAMS",
    "ImageCritic",
    "ImageRefiner",
    "Operation",
    "Stream",
    "accepted",
    "as_critic_says",
    "checklist_of",
    "given_checklist",
    "next_operation",
    "next_stream",
    "streams_of",
    "wants_new_picture",
]
