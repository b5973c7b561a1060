"""What draws and redraws: the agent, and the strategies that send it on."""

from loopwright.images.refining._beliefs import after_edit, all_hold, beliefs, turned
from loopwright.images.refining._gallery import Gallery, Row, Skill, read_gallery, save_gallery
from loopwright.images.refining._ircig import IRCIG, ImageCritic, as_critic_says, published_critique
from loopwright.images.refining._led import STREAMS, beyond_rules, critic_wanted, meant, next_led_stream
from loopwright.images.refining._masks import mask_of, surplus
from loopwright.images.refining._operations import GIVEN, PICTURE, Operation, answers, next_operation, wants_new_picture
from loopwright.images.refining._preparation import checklist_of, given_checklist
from loopwright.images.refining._rates import Seen, estimated, known_rates, tally
from loopwright.images.refining._refiner import ImageRefiner, PlannedEdit, next_edit
from loopwright.images.refining._stages import Core, core_of, next_core
from loopwright.images.refining._streams import next_stream, picture_to_edit, price
from loopwright.images.refining._votes import ASSUMED, Rates, Votes, new_picture

__all__ = [
    "ASSUMED",
    "GIVEN",
    "IRCIG",
    "PICTURE",
    "STREAMS",
    "Core",
    "Gallery",
    "ImageCritic",
    "ImageRefiner",
    "Operation",
    "PlannedEdit",
    "Rates",
    "Row",
    "Seen",
    "Skill",
    "Votes",
    "after_edit",
    "all_hold",
    "answers",
    "as_critic_says",
    "beliefs",
    "beyond_rules",
    "checklist_of",
    "core_of",
    "critic_wanted",
    "estimated",
    "given_checklist",
    "known_rates",
    "mask_of",
    "meant",
    "new_picture",
    "next_core",
    "next_edit",
    "next_led_stream",
    "next_operation",
    "next_stream",
    "picture_to_edit",
    "price",
    "published_critique",
    "read_gallery",
    "save_gallery",
    "surplus",
    "tally",
    "turned",
    "wants_new_picture",
]
