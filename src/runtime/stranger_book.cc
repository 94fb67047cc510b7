#include "stranger_book.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/stranger_request.h"

namespace p2pmesh {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kSuffixDigits = 4;  // as of members
constexpr std::size_t kEntryBytesMax = 3 * limits::kAskBytesMax;
constexpr std::size_t kFileBytesMax = limits::kStrangerMeshesMax * kEntryBytesMax;

void write_entry(Writer& writer, const Stranger& stranger) {
  writer.id(stranger.member).u8(static_cast<std::uint8_t>(stranger.state));
  StrangerRequest request;
  request.name = stranger.name;
  request.invite = stranger.invite;
  writer.long_bytes(encode_stranger_request(request));
  writer.u64(stranger.since_ms)
      .u8(stranger.is_delivered ? 1 : 0)
      .u8(stranger.is_declined ? 1 : 0)
      .long_bytes(stranger.sealed);
  writer.short_bytes(as_bytes(stranger.place.host)).u16(stranger.place.port);
}

std::optional<Stranger> read_entry(Reader& reader) {
  Stranger stranger;
  stranger.member = reader.id<MemberKey>();
  const std::uint8_t state = reader.u8();
  const auto request = decode_stranger_request(reader.long_bytes());
  stranger.since_ms = reader.u64();
  stranger.is_delivered = reader.u8() != 0;
  stranger.is_declined = reader.u8() != 0;
  const ByteView sealed = reader.long_bytes();
  stranger.sealed.assign(sealed.begin(), sealed.end());
  stranger.place.host = as_text(reader.short_bytes());
  stranger.place.port = reader.u16();
  const bool is_state = state >= static_cast<std::uint8_t>(StrangerState::kAsked) &&
                        state <= static_cast<std::uint8_t>(StrangerState::kLeft);
  if (!reader.ok() || !request || !is_state) return std::nullopt;
  stranger.state = static_cast<StrangerState>(state);
  stranger.name = request->name;
  stranger.invite = request->invite;
  return stranger;
}

std::optional<std::vector<Stranger>> parse(ByteView bytes) {
  Reader reader(bytes);
  if (reader.u8() != kFormat) return std::nullopt;
  std::vector<Stranger> strangers;
  const std::size_t count = reader.u32();
  if (count > limits::kStrangerMeshesMax) return std::nullopt;
  while (strangers.size() < count) {
    auto stranger = read_entry(reader);
    if (!stranger) return std::nullopt;
    strangers.push_back(*std::move(stranger));
  }
  return reader.done() ? std::optional(std::move(strangers)) : std::nullopt;
}

/// Of several conversations with one: the smaller the better.
int rank_of(StrangerState state) {
  return state == StrangerState::kTogether ? 0 : state == StrangerState::kAsked ? 1 : 2;
}

}  // namespace

Result<void> StrangerBook::read() {
  const auto content = seal_.read(path_, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return {};
  auto strangers = parse(**content);
  if (!strangers) {
    return fail(
        ExitStatus::kDamagedInput,
        "the file " + path_ +
            " holds no requests of people; put back a copy, or move it away: who wanted to talk has to "
            "ask anew then");
  }
  strangers_ = *std::move(strangers);
  return {};
}

const Stranger* StrangerBook::find(const MeshId& mesh) const {
  const auto found = std::find_if(strangers_.begin(), strangers_.end(),
                                  [&](const Stranger& stranger) { return stranger.invite.mesh == mesh; });
  return found == strangers_.end() ? nullptr : &*found;
}

const Stranger* StrangerBook::find_talk(const MemberKey& member) const {
  const Stranger* best = nullptr;
  const auto place = [](const Stranger& stranger) {
    return std::pair(rank_of(stranger.state), stranger.invite.mesh);
  };
  for (const Stranger& stranger : strangers_) {
    if (stranger.member != member || !is_talk(stranger)) continue;
    if (best == nullptr || place(stranger) < place(*best)) best = &stranger;
  }
  return best;
}

const Stranger* StrangerBook::find_incoming(const MemberKey& member) const {
  const auto found = std::find_if(strangers_.begin(), strangers_.end(), [&](const Stranger& stranger) {
    return stranger.member == member && is_incoming(stranger);
  });
  return found == strangers_.end() ? nullptr : &*found;
}

Result<std::optional<MemberKey>> StrangerBook::find_called(const std::string& wanted, Fits fits) const {
  const auto key = MemberKey::from_hex(wanted);
  const std::size_t mark = wanted.find('~');
  const std::string folded = name_key(wanted.substr(0, mark));
  std::string suffix = mark == std::string::npos ? "" : wanted.substr(mark + 1);
  for (char& digit : suffix) digit = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
  if (!key && (folded.empty() || (mark != std::string::npos && suffix.size() < kSuffixDigits)))
    return std::nullopt;
  std::vector<MemberKey> called;
  std::string names;
  for (const Stranger& stranger : strangers_) {
    const bool is_called =
        key ? stranger.member == *key
            : name_key(stranger.name) == folded && stranger.member.hex().starts_with(suffix);
    if (!is_called || !fits(stranger)) continue;
    if (std::find(called.begin(), called.end(), stranger.member) != called.end()) continue;
    called.push_back(stranger.member);
    names += (names.empty() ? "" : ", ") + format_safe_line(full_name(stranger));
  }
  if (called.empty()) return std::nullopt;
  if (called.size() == 1) return called.front();
  return fail(ExitStatus::kUsage,
              "Several people are called so: " + names + ". Type one of these as it stands.");
}

std::string StrangerBook::full_name(const Stranger& stranger) {
  return stranger.name + "~" + stranger.member.hex().substr(0, kSuffixDigits);
}

std::string StrangerBook::shown_name(const Stranger& stranger) const {
  const auto is_before = [&](const Stranger& other) {
    return other.member != stranger.member && name_key(other.name) == name_key(stranger.name) &&
           (is_talk(other) || !is_talk(stranger));
  };
  return std::none_of(strangers_.begin(), strangers_.end(), is_before) ? stranger.name : full_name(stranger);
}

std::size_t StrangerBook::count(StrangerState state) const {
  return static_cast<std::size_t>(
      std::count_if(strangers_.begin(), strangers_.end(),
                    [&](const Stranger& stranger) { return stranger.state == state; }));
}

Result<void> StrangerBook::replace(const MeshId& mesh, const Stranger& stranger) {
  std::vector<Stranger> strangers = strangers_;
  const auto same = std::find_if(strangers.begin(), strangers.end(),
                                 [&](const Stranger& known) { return known.invite.mesh == mesh; });
  if (same != strangers.end()) {
    *same = stranger;
    return write(std::move(strangers));
  }
  if (strangers.size() >= limits::kStrangerMeshesMax) {
    // Whom one has left or declined has been told so, or could not be.
    const auto oldest = std::find_if(strangers.begin(), strangers.end(), [](const Stranger& known) {
      return known.state == StrangerState::kDeclined || known.state == StrangerState::kLeft;
    });
    if (oldest == strangers.end()) {
      return fail(ExitStatus::kTryAgain,
                  "You talk with " + std::to_string(limits::kStrangerMeshesMax) +
                      " people beside your meshes, which is all; leave one first: /leave "
                      "NAME");
    }
    strangers.erase(oldest);
  }
  strangers.push_back(stranger);
  return write(std::move(strangers));
}

Result<void> StrangerBook::drop(const MeshId& mesh) {
  std::vector<Stranger> strangers = strangers_;
  std::erase_if(strangers, [&](const Stranger& known) { return known.invite.mesh == mesh; });
  return strangers.size() == strangers_.size() ? Result<void>() : write(std::move(strangers));
}

Result<void> StrangerBook::write(std::vector<Stranger> strangers) {
  Writer writer;
  writer.u8(kFormat).u32(static_cast<std::uint32_t>(strangers.size()));
  for (const Stranger& stranger : strangers) write_entry(writer, stranger);
  if (auto written = seal_.write(path_, writer.bytes()); !written) return written;
  strangers_ = std::move(strangers);
  return {};
}

}  // namespace p2pmesh
