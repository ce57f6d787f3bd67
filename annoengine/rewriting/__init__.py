"""Rewriting of captions so that each stands alone: no mark numbers, no talk of the annotation."""
