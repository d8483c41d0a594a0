"""The request log: every answered request, from the model server through NATS JetStream into Parquet.

In the server, in the order of a record:

records      what the server hands over: an answer, or feedback on one
settings     where it goes, and how much may wait
personal     personal fields: dropped or tokenised before anything is encoded
events       records to a batch of CloudEvents in JSON, the body of one message
log          RequestLog: takes records without blocking, and sees each batch to NATS or to the disk
access       connecting to NATS, with credentials and over TLS
connection   a connection to JetStream that comes back by itself; publishing with acknowledgement
spool        batches on disk while NATS is away, kept over the death of the process

At the other end (``slipway collect``):

collector    a durable consumer that acknowledges what is safely stored
reading      messages to typed tables; what cannot be read becomes a dead letter with its reason
partitions   Parquet files by model, release and day; each batch once, whatever dies when
labels       true labels from feedback, joined to the answers
"""

from slipway.request_log.log import RequestLog
from slipway.request_log.records import Answered, Feedback, Served
from slipway.request_log.settings import Settings, default_spool

__all__ = ["Answered", "Feedback", "RequestLog", "Served", "Settings", "default_spool"]
