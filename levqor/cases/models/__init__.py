from levqor.cases.models.canned import CannedReply
from levqor.cases.models.case import Case, CaseAnnex, CaseRepeat, CaseViewer, Source
from levqor.cases.models.deadline import Deadline, Pause
from levqor.cases.models.message import CaseFile, CaseMessage, FileContent, Side
from levqor.cases.models.saved_filter import SavedFilter

__all__ = [
    "CannedReply", "Case", "CaseAnnex", "CaseFile", "CaseMessage", "CaseRepeat", "CaseViewer", "Deadline", "FileContent",
    "Pause", "SavedFilter", "Side", "Source",
]  # fmt: skip
