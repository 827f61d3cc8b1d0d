"""Composition: what an engine is made of, put together and run."""

from trueup.engine.engine import Engine
from trueup.engine.options import EngineOptions

__all__ = ["Engine", "EngineOptions"]
