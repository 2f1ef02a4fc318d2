"""The methods of division: those of the command `divide` for files, and those of `plan divide`."""

from api.cli.divide.balanced import BALANCED, BALANCED_OF_PLAN
from api.cli.divide.blocks import BLOCKS, BLOCKS_OF_PLAN
from api.cli.divide.method import FileMethod, PlanMethod
from api.cli.divide.rebalance import REBALANCE_OF_PLAN
from api.cli.divide.square import SQUARE, SQUARE_OF_PLAN
from api.cli.divide.unify import UNIFY_OF_PLAN

FILE_METHODS: dict[str, FileMethod] = {each.name: each for each in (SQUARE, BLOCKS, BALANCED)}
PLAN_METHODS: dict[str, PlanMethod] = {
    each.name: each
    for each in (SQUARE_OF_PLAN, BLOCKS_OF_PLAN, BALANCED_OF_PLAN, REBALANCE_OF_PLAN, UNIFY_OF_PLAN)
}
