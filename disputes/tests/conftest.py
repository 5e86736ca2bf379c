from billing.tests.conftest import keyed_scene, scene

__all__ = ["keyed_scene", "scene"]
