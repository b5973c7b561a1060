"""Coloured shapes: prompts and instructions with an exact grammar, scenes that are drawn and measured from pixels."""

from loopwright.images.shapes._instruction import Add, Instruction, Make, Move, Remove, follow, parse_instruction
from loopwright.images.shapes._look import look
from loopwright.images.shapes._measure import measure
from loopwright.images.shapes._paint import FaultRates, paint, repaint
from loopwright.images.shapes._painter import Painter, open_painter
from loopwright.images.shapes._prompt import Group, Placement, ShapesPrompt, parse_prompt
from loopwright.images.shapes._render import redraw, render
from loopwright.images.shapes._sample import sample_prompt, sample_scene
from loopwright.images.shapes._scene import Scene, SceneObject

__all__ = [
    "Add",
    "FaultRates",
    "Group",
    "Instruction",
    "Make",
    "Move",
    "Painter",
    "Placement",
    "Remove",
    "Scene",
    "SceneObject",
    "ShapesPrompt",
    "follow",
    "look",
    "measure",
    "open_painter",
    "paint",
    "parse_instruction",
    "parse_prompt",
    "redraw",
    "render",
    "repaint",
    "sample_prompt",
    "sample_scene",
]
