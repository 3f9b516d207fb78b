"""The words of the organism's world: syllables of its names, and the values that its facts can have."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


HEADS = _words(
    "ba be bo da di do fa fe fo ga ge gu ha he ka ki ko la le lo lu ma mi mo na no pa po ra ri ro sa so ta te tu va vi "
    "ze zo"
)
TAILS = _words("bral dran fesk glim jorn klav lusk mord nask plin quor rusk skan thol vrem wesk yorl zand brit dask")
SIDES = _words("north south east west")
PLACES = _words("bridge castle forest harbor island market meadow quarry river valley")
COATS = _words("black brown gray white")
PETS = _words("cat dog duck goat hen horse mouse parrot rabbit turtle")
CRAFTS = _words(
    "archer baker barber brewer butcher carver clerk cobbler cook cooper dancer diver dyer farmer fisher gardener "
    "glazier guard hunter juggler mason miller miner nurse painter piper poet porter potter rider sailor scribe "
    "singer smith tailor tanner teacher tinker weaver writer"
)
CODES = _words(
    "acid amber anvil arrow basil bell bronze candle cedar chalk clover copper coral cotton crown crystal ember "
    "feather flint garnet ginger glass granite hammer honey iron ivory jade lantern lemon linen marble mirror "
    "needle olive pearl pepper ribbon salt silver"
)
KEYWORDS = _words(
    "autumn branch breeze canyon cloud comet creek desert drizzle dune dusk eclipse fjord frost geyser glacier gorge "
    "hail horizon lagoon lava lightning mist monsoon moon night nova planet prairie rain rainbow reef snow spring "
    "storm summer sunset thunder tide winter"
)
ROADS = _words(
    "bear beetle bison cobra cougar coyote crane cricket deer dolphin eagle falcon ferret fox gecko hare heron "
    "jackal jaguar lark leopard lion llama lynx moose moth otter owl panther puma raven robin salmon seal spider "
    "stork tiger walrus wolf zebra"
)
