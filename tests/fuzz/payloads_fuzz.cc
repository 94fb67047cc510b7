// Every payload of a frame and every body of an envelope; an envelope is written in one way alone.
#include "fuzz_input.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/direct_body.h"
#include "p2pmesh/wire/entry_body.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/member_body.h"
#include "p2pmesh/wire/membership_messages.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/revocation.h"
#include "p2pmesh/wire/room_body.h"
#include "p2pmesh/wire/text_body.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::uint8_t which = input.byte();
  const ByteView bytes = input.rest();
  switch (which % 33) {
    case 0:
      if (const auto envelope = decode_envelope(bytes)) {
        const Bytes again = encode_envelope(*envelope);
        demand(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
      }
      break;
    case 1:
      decode_hello(bytes);
      break;
    case 2:
      decode_welcome(bytes);
      break;
    case 3:
      decode_refuse(bytes);
      break;
    case 4:
      decode_gossip(bytes);
      break;
    case 5:
      decode_ihave(bytes);
      break;
    case 6:
      decode_graft(bytes);
      break;
    case 7:
      decode_prune(bytes);
      break;
    case 8:
      decode_taken(bytes);
      break;
    case 9:
      decode_ping(bytes);
      break;
    case 10:
      decode_pong(bytes);
      break;
    case 11:
      decode_sponsor_request(bytes);
      break;
    case 12:
      decode_sponsor_reply(bytes);
      break;
    case 13:
      decode_sync_digest(bytes);
      break;
    case 14:
      decode_sync_branch(bytes);
      break;
    case 15:
      decode_sync_descend(bytes);
      break;
    case 16:
      decode_sync_listing(bytes);
      break;
    case 17:
      decode_sync_request(bytes);
      break;
    case 18:
      decode_sync_gone(bytes);
      break;
    case 19:
      decode_sync_done(bytes);
      break;
    case 20:
      decode_close(bytes);
      break;
    case 21:
      decode_suspect_body(bytes);
      break;
    case 22:
      decode_forward_join(bytes);
      break;
    case 23:
      decode_neighbor_request(bytes);
      break;
    case 24:
      decode_shuffle(bytes);
      break;
    case 25:
      decode_shuffle_reply(bytes);
      break;
    case 26:
      decode_member_body(bytes);
      break;
    case 27:
      if (const auto texts = decode_text_body(bytes)) demand(!texts->empty());
      break;
    case 28:
      decode_standing(bytes);
      break;
    case 29:
      decode_sealed_body(bytes);
      decode_sealed_room_body(bytes);
      break;
    case 30:
      decode_topic(bytes);
      decode_room_content(bytes);
      break;
    case 31:
      if (const auto act = decode_act_body(bytes)) demand(decode_act_body(encode_act_body(*act)) == act);
      decode_revocation(bytes);
      break;
    case 32:
      if (const auto entry = decode_entry_body(bytes))
        demand(decode_entry_body(encode_entry_body(*entry)) == entry);
      break;
  }
  return 0;
}
