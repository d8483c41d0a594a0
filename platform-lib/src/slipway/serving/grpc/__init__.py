"""The Open Inference Protocol V2 over gRPC.

Imported only where a server is asked to listen on a gRPC port, so that grpcio costs nothing elsewhere; it comes with
the extra ``slipway[grpc]``. A request is turned into the message that the REST path reads and goes through the same
checks, ids, metrics and request log.

open_inference.proto       what is served; open_inference_pb2* are made of it
messages                   between protobuf's messages and those of the REST path
counting                   what gRPC refuses by itself is counted, too
service                    the six methods
server                     listening
"""

from slipway.serving.grpc.server import start

__all__ = ["start"]
