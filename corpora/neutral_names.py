"""Host names that say nothing: two everyday words each, in an order that a key makes.

Names of hidden items must not tell what is to be expected of them, so they are made of words
about landscape, weather and tools. The order is a keyed hash (BLAKE2b, RFC 7693): neighbours in
a list are no neighbours by name, and who does not know the key cannot foresee the next name.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

from harness.model.sampler import ordering

ZONE = "sites.accredit.test"
"""Where the names lie: a declared private suffix, so that each of them is a site of its own."""

_FIRST = """
amber ample autumn azure basalt birch bold breezy brisk bronze calm cedar chalk cobalt copper
coral cosy crisp crystal curious dapple deft denim distant double early eastern elder elm even
fabric farther far fern fine first flint floral fluent forest fresh frosty gentle gilded glad glass
golden grand granite green hazel heather hollow honest humble indigo ivory ivy jade jolly keen
kind large late laurel lemon level light lilac linen little lively long low lucky lunar maple
marble mellow mild mint misty modern mossy neat noble northern oaken olive opal open orange orchid
patient pearl pine plain pleasant polar proud quartz quick quiet rapid ready rosy round royal ruby
rustic sandy satin scarlet second serene shady sharp silent silver simple slate smooth snowy solar
southern spare spruce steady still sunny swift tall tawny tidy timber topaz upper urban velvet
warm wide willow windy woven
"""

_SECOND = """
acorn anchor apple arch atlas avenue badge balcony banner barn basin basket bay beacon bench bell
bicycle blanket boat book bower bridge brook bucket button cabin candle canoe canyon carpet
cart castle cellar chair chapel cliff clock cloud coast comet compass corner cottage creek cup
curtain dale dawn desk dock door drum dune easel engine feather fence ferry field finch fjord flag
flute fountain gable garden gate glade glove grove hall harbour hedge hill horizon house
island jetty kettle kite ladder lagoon lake lamp lantern lark leaf ledge library lighthouse loom
map market marsh meadow mill mirror moor museum nest oar oasis orchard paddle parcel
parlour path pebble pencil picnic pier plaza pond porch prairie quay quilt raft ribbon ridge
river road saddle sail scarf shelf shell shore signal spoon spring square stair station stool
stream table thimble tower trail tram tunnel valley vase village wagon walk wharf wheel window yard
"""


def neutral_hosts(key: str, count: int, taken: Collection[str] = ()) -> tuple[str, ...]:
    """The first ``count`` hosts of the key's order that are not ``taken``.

    Raises ValueError if there are not so many.
    """
    place = ordering(key)
    pairs = (f"{one}-{other}.{ZONE}" for one, other in product(_FIRST.split(), _SECOND.split()))
    free = sorted((host for host in pairs if host not in taken), key=place)
    if len(free) < count:
        msg = f"{count} neutral names are wanted, and there are {len(free)}"
        raise ValueError(msg)
    return tuple(free[:count])
