"""Tools of servers that speak the Model Context Protocol, for strategies that act."""

from loopwright.mcp_tools._toolbox import Machine, McpToolbox, needs_mcp
from loopwright.mcp_tools._types import Toolbox

__all__ = ["Machine", "McpToolbox", "Toolbox", "needs_mcp"]
