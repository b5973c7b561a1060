"""Many machines: sandboxes, and models that must be in one place, on the workers of a Ray cluster."""

from loopwright.cluster._cluster import RayCluster
from loopwright.cluster._worker import WorkerFacts

__all__ = ["RayCluster", "WorkerFacts"]
