"""The facts and conclusions of a study as frozen records with an exact JSON round trip."""

from titer.records.base import Record, canonical, digest, tupled
from titer.records.doses import RMS, Compute, DoseFacts, Environment, Spent
from titer.records.frames import Frame, Transform
from titer.records.nodes import Choice, Seed, SubjectRef
from titer.records.terms import GRADING_HARM, REWARDING, CellPurpose, Kind, Outcome, Purpose, Role
from titer.records.texts import Answer, Item, Row, Score

__all__ = [
    "Answer",
    "CellPurpose",
    "Choice",
    "Compute",
    "DoseFacts",
    "Environment",
    "Frame",
    "GRADING_HARM",
    "Item",
    "Kind",
    "Outcome",
    "Purpose",
    "RMS",
    "REWARDING",
    "Record",
    "Role",
    "Row",
    "Score",
    "Seed",
    "Spent",
    "SubjectRef",
    "Transform",
    "canonical",
    "digest",
    "tupled",
]
