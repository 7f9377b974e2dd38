"""Property tests here compute rather than wait: a busy machine is no reason to fail them."""

from hypothesis import Phase, settings

settings.register_profile(
    "unhurried", deadline=None, database=None, max_examples=40, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("unhurried")
