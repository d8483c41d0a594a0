"""Why a release gave one answer: a request's way through its rules, features and trees to the decision.

question     finds the request: the release's example, a body of any protocol, or a record of the request log
explanation  everything that happens to it, as figures; no data but the request and the release is needed
trees        which leaf each tree leads to, and by which conditions
terminal     the explanation for a person at a terminal
page         the same as one HTML page that works offline

The score is the release's own and equals the served one to the last bit. The contributions are exact TreeSHAP; that
they add up to the raw score, that the trees do, and that the link function leads from there to the score is checked
each time, never assumed.
"""

from slipway.explain.explanation import Explanation, NotExplained, explain
from slipway.explain.question import Question, RequestRefused

__all__ = ["Explanation", "NotExplained", "Question", "RequestRefused", "explain"]
