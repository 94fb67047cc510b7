#include "p2pmesh/wire/stranger_request.h"

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "rendezvous_fields.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kPlaceBytesMax = 255;  // HOST:PORT; one length byte

}  // namespace

Bytes encode_stranger_request(const StrangerRequest& request) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(request.kind));
  write_text(writer, request.name);
  writer.id(request.invite.mesh).raw(request.invite.secret);
  writer.u8(static_cast<std::uint8_t>(request.invite.addresses.size()));
  for (const std::string& address : request.invite.addresses) write_text(writer, address);
  return writer.take();
}

std::optional<StrangerRequest> decode_stranger_request(ByteView bytes) {
  Reader reader(bytes);
  StrangerRequest request;
  const std::uint8_t kind = reader.u8();
  if (kind != static_cast<std::uint8_t>(StrangerRequest::Kind::kAsk) &&
      kind != static_cast<std::uint8_t>(StrangerRequest::Kind::kDecline))
    reader.refuse();
  request.kind = static_cast<StrangerRequest::Kind>(kind);
  request.name = read_name(reader);
  request.invite.mesh = reader.id<MeshId>();
  const ByteView secret = reader.raw(request.invite.secret.size());
  std::copy(secret.begin(), secret.end(), request.invite.secret.begin());
  const std::size_t count = read_count(reader, reader.u8(), 0, limits::kAddressesMax);
  for (std::size_t i = 0; i < count && reader.ok(); ++i)
    request.invite.addresses.push_back(read_text(reader, 1, kPlaceBytesMax));
  return taken_whole(reader, request);
}

}  // namespace p2pmesh
