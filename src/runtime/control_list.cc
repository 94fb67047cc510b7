// message.list: a page of a room or a conversation, without what is not to be shown.
#include <algorithm>
#include <utility>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kListBytes =
    1024 * 1024;  // of text in one page: it is held twice, and escaped grows up to six times

/// How many of the listed messages fit a page, counted from the end the client asked from; at least one.
std::size_t page_size(const std::vector<ListedMessage>& listed, std::size_t limit, bool from_front) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(limit, listed.size())) {
    bytes += listed[from_front ? count : listed.size() - 1 - count].text.size();
    if (count > 0 && bytes > kListBytes) break;
    ++count;
  }
  return count;
}

}  // namespace

struct ControlRequests::Listing {
  control::ListRequest request;
  std::string room;
  std::optional<MemberKey> with;
  bool own_only = false;
};

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ListRequest& request) {
  auto room = find_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  auto listing = std::make_shared<Listing>();
  listing->request = request;
  listing->room = *std::move(room);
  if (request.with) {
    const auto member = find_member(*request.with);
    if (!member) return server_->refuse(session.id, id, member.error());
    listing->with = *member;
    const bool is_heard = request.ignored || !runner_->people().is_ignored(*member);
    const bool was_shown = runner_->people().shown_until(*member) > 0;
    listing->own_only = !is_heard || !(runner_->node().is_shown(*member) || was_shown);
  }
  list_on(session, id, listing);
}

/// One page of what is held; the next one when nothing of it is to be shown.
void ControlRequests::list_on(ControlSession& session, const std::string& id,
                              const std::shared_ptr<Listing>& listing) {
  using Listed = std::vector<ListedMessage>;
  ask_store<Listed>(
      session, id,
      [listing](MeshStore& store) -> Result<Listed> {
        const control::ListRequest& request = listing->request;
        std::optional<TranscriptPosition> bounds[2];
        const std::optional<control::MessageId> ids[2] = {request.after, request.before};
        for (int i = 0; i < 2; ++i) {
          if (!ids[i]) continue;
          if (ids[i]->is_start()) {  // before everything: where an export begins
            bounds[i].emplace();
            continue;
          }
          auto position = store.position_of(ids[i]->envelope, ids[i]->index);
          if (!position) return tl::unexpected(position.error());
          if (!*position) {
            return fail(ExitStatus::kUsage, std::string(i == 0 ? "after" : "before") + ": no message " +
                                                control::format_message_id(*ids[i]) + " is held here");
          }
          bounds[i] = **position;
        }
        const bool is_newest = !request.after;
        if (listing->with) {
          return store.list_directs(*listing->with, bounds[0], bounds[1], request.limit + 1, is_newest,
                                    listing->own_only);
        }
        return store.list_messages(listing->room, bounds[0], bounds[1], request.limit + 1, is_newest);
      },
      [this, id, listing](ControlSession& asking, Listed& listed) {
        control::ListRequest& request = listing->request;
        const bool is_forward = request.after.has_value();
        control::ListReply reply;
        const std::size_t count = page_size(listed, request.limit, is_forward);
        reply.more = listed.size() > count;
        const std::size_t first = is_forward ? 0 : listed.size() - count;
        for (std::size_t i = first; i < first + count; ++i) {
          if (runner_->is_shown(listed[i], request.ignored))
            reply.messages.push_back(runner_->to_chat(listed[i]));
        }
        if (!reply.messages.empty() || !reply.more) return server_->reply(asking.id, id, reply);
        const ListedMessage& last = listed[is_forward ? first + count - 1 : first];
        (is_forward ? request.after : request.before) = control::MessageId{last.envelope, last.index};
        list_on(asking, id, listing);
      });
}

}  // namespace p2pmesh
