// How many registrations and look-ups a second, over how many links.
//   --links N     (100)
//   --members N   (10000)
//   --look-ups N  (100000)
//   --ahead N     under way at once on each link (16)
// Says a line a step; after each it waits for a line on stdin, so that the server can be looked at.
#include "commands.h"
#include "many_links.h"
#include "p2pmesh/base/random.h"

namespace p2pmesh::meeting {
namespace {

class Step {
 public:
  explicit Step(std::string what) : what_(std::move(what)) {}
  void end(std::uint64_t count, std::uint64_t failed) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    attacks::say(what_ + " " + std::to_string(count) + " seconds " + std::to_string(seconds) + " failed " +
                 std::to_string(failed));
    attacks::wait_for_word();
  }

 private:
  std::string what_;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace

int bench(const attacks::AttackOptions& options) {
  const std::uint64_t members = options.number("members", 10'000);
  const std::uint64_t look_ups = options.number("look-ups", 100'000);
  const std::size_t ahead = options.number("ahead", 16);
  ManyLinks links(options.targets().front(), 16);
  const std::size_t wanted = options.number("links", 100);
  const Step opening("links");
  const bool opened = links.open(wanted);
  opening.end(links.up(), opened ? 0 : wanted - links.up());

  // What a member does for it is not the server's: made before.
  std::vector<std::unique_ptr<Signer>> signers(members);
  for (std::uint64_t i = 0; i < members; ++i) signers[i] = make_ed25519_signer(numbered_seed(i));
  const auto name_of = [](std::uint64_t number) { return "member" + std::to_string(number); };
  for (int round = 0; round < 2; ++round) {
    std::uint64_t refused = 0;
    const Step registering(round == 0 ? "registered" : "refreshed");
    const auto done = links.ask(
        members, ahead, 1e9,
        [&](std::uint64_t question, MemberLink& link, RendezvousTicket ticket) {
          Registration registration = describe(*signers[question], link.node(), name_of(question));
          sign(registration, *signers[question], link.server());
          return encode_frame_of(Register{ticket, registration});
        },
        [&](std::uint64_t, const FrameView& frame) {
          refused += frame.type == static_cast<std::uint8_t>(FrameType::kRegistered) ? 0 : 1;
        });
    registering.end(done, refused);
  }
  Random random(7);
  std::uint64_t unknown = 0;
  const Step looking("looked-up");
  const auto done = links.ask(
      look_ups, ahead, 1e9,
      [&](std::uint64_t, MemberLink&, RendezvousTicket ticket) {
        return encode_frame_of(LookUp{ticket, std::nullopt, name_of(random.below(members))});
      },
      [&](std::uint64_t, const FrameView& frame) {
        const auto found = decode_found(frame.payload);
        unknown += found && found->known ? 0 : 1;
      });
  looking.end(done, unknown);
  return 0;
}

}  // namespace p2pmesh::meeting
