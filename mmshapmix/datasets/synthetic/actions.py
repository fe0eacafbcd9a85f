"""The classes of the synthetic data set: the gesture of each body part."""

from collections.abc import Mapping

Movement = Mapping[str, str]
"""A dict from body part to gesture; a part that is not named rests."""
REST = 'rest'

# --- the classes, head to tail ---
# Tail classes are head classes with one part more, or mirrored, on purpose.
# A later class is rarer in the long-tailed split.
ACTIONS: dict[str, Movement] = dict(
    wave_right=dict(right_arm='wave'),
    squat=dict(right_leg='squat', left_leg='squat'),
    stand=dict(),
    bow=dict(trunk='bow'),
    arms_up=dict(right_arm='raise', left_arm='raise'),
    kick_left=dict(left_leg='kick'),
    clap=dict(right_arm='clap', left_arm='clap'),
    walk=dict(right_leg='step', left_leg='step'),
    wave_left=dict(left_arm='wave'),
    kick_right=dict(right_leg='kick'),
    jump=dict(right_leg='jump', left_leg='jump'),
    wave_both=dict(right_arm='wave', left_arm='wave'),
    greet=dict(trunk='bow', right_arm='wave'),
    wave_and_kick=dict(right_arm='wave', left_leg='kick'),
    jumping_jack=dict(
        right_arm='raise', left_arm='raise', right_leg='jump', left_leg='jump'
    ),
    bow_clap=dict(trunk='bow', right_arm='clap', left_arm='clap'),
)
CLASSES = tuple(ACTIONS)


def find_action(movement: Movement) -> str | None:
    """Return the class of a movement, or ``None`` if it is no class.

    Example:
        >>> find_action(dict(right_arm='wave', left_leg='rest'))
        'wave_right'
    """
    moving = {p: g for p, g in movement.items() if g != REST}
    return next((c for c, row in ACTIONS.items() if row == moving), None)
