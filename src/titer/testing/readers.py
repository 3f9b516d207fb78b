"""The conformance checks of what asks a subject and of what reads its answers: probes and judges."""

from __future__ import annotations

from titer.methods.measurement import Judge, Probe, opened
from titer.records import Answer, Compute, Frame
from titer.testing.configurations import check_configuration
from titer.testing.tiny import same, tiny_items, tiny_subject, weights

FRAME = Frame(max_new_tokens=4)


def check_probe(probe: Probe) -> None:
    """Assert that a probe answers each item, in order, and leaves the subject as it was.

    It is read back as it was written, and its answers do not hang on how many are asked at once.
    """
    check_configuration(probe)
    subject, items = tiny_subject(), tiny_items()
    before = weights(subject)
    answers = probe.ask(subject, items, FRAME, 2)
    assert [answer.item for answer in answers] == [item.id for item in items], "one answer an item, in order"
    assert same(before, weights(subject)), "asking changes no weight"
    assert not subject.model.training, "asking leaves the mode as it was"
    assert probe.ask(subject, items, FRAME, 2) == answers, "the same answers again"
    texts = [answer.text for answer in answers]
    assert [answer.text for answer in probe.ask(subject, items, FRAME, 5)] == texts, "in batches of another size too"


def check_judge(judge: Judge) -> None:
    """Assert that a judge gives one score an answer, in order, and says why where it gives none.

    It is read back as it was written, can be opened again after it was closed, and gives the same scores in any order
    of the answers, and whether it is asked for all at once or for one after the other, unless it says `whole_dose`.
    """
    check_configuration(judge)
    items = tiny_items(3)
    answers = (
        Answer(probe="p", item="i0", text="it is 0", ended="stop", option_nats=(-1.0, -2.0), option_tokens=(2, 1)),
        Answer(probe="p", item="i1", text="", ended="stop", option_nats=(-3.0, -2.0), option_tokens=(2, 1)),
        Answer(probe="p", item="i2", text_digest="0" * 32),
    )
    with opened(judge, Compute()):
        scores = judge.judge(items, answers)
        turned = judge.judge(items[::-1], answers[::-1])
        single = [judge.judge([item], [answer]) for item, answer in zip(items, answers, strict=True)]
    assert [score.item for score in scores] == [item.id for item in items], "one score an answer, in order"
    assert all((score.value is None) == (score.missing is not None) for score in scores), "None has a reason"
    assert scores[2].value is None, "an answer without text or likelihoods cannot be judged"
    assert judge.kind != "coherence" or scores[1].value in (0.0, None), "an empty answer is not coherent"
    assert turned[::-1] == scores, "a score does not hang on the order of the answers"
    alone = tuple(score for one in single for score in one)
    assert judge.whole_dose or alone == scores, "a score does not hang on the other answers, or it says so"
    assert judge.judge([], []) == (), "without answers there are no scores"
    with opened(judge, Compute()):
        assert judge.judge(items, answers) == scores, "the same scores again"
