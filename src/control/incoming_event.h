// Events as a client reads them, and what they share with replies.
#pragma once

#include "object_reader.h"
#include "p2pmesh/control/incoming.h"

namespace p2pmesh::control {

NameDoubt read_doubt(ObjectReader& fields);
ChatMessage read_message(ObjectReader& fields);
TopicFacts read_topic(ObjectReader& fields);

/// A line that is no reply.
Incoming read_event(const Json& json);

}  // namespace p2pmesh::control
