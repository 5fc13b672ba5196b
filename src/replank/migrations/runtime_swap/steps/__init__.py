"""Code behind the steps and checks of a runtime swap."""
