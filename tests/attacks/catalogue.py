"""All hostile hand-ins."""

from tests.attacks import browser, forging, kernel, network, resources, stealing, tampering
from tests.attacks.attack import Attack

ATTACKS: list[Attack] = [
    attack
    for group in (stealing, forging, tampering, resources, network, kernel, browser)
    for attack in group.ATTACKS
]
BY_STUDENT = {attack.student: attack for attack in ATTACKS}
assert len(BY_STUDENT) == len(ATTACKS)
