// message.search: whom and where it means, and the store asked in steps, so that a long search holds up no
// commit.
#include <algorithm>
#include <utility>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/search_words.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIndexRowsAtOnce = 1000;

}  // namespace

struct ControlRequests::Search {
  SearchQuery query;
  bool ignored = false;
  std::size_t limit = 0;
  std::size_t bytes = 0;
  control::SearchReply reply;
};

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::SearchRequest& request) {
  const auto refuse = [&](std::string sentence) {
    server_->refuse(session.id, id, control::invalid_params(std::move(sentence)));
  };
  auto search = std::make_shared<Search>();
  search->limit = request.limit;
  search->ignored = request.ignored;
  search->query.words = request.words;
  search->query.since_ms = request.since_ms;
  search->query.until_ms = request.until_ms;
  if (search_words(request.words).empty())
    return refuse("words: there is no word to search for; a word has letters or digits.");
  if (request.room) {
    auto room = find_room(*request.room);
    if (!room) return refuse(room.error().message);
    search->query.room = *std::move(room);
  }
  if (request.with) {
    const auto member = find_member(*request.with);
    if (!member) return refuse("with: " + member.error().message);
    search->query.with = *member;
  }
  if (request.from) {
    const auto author = find_member(*request.from);
    if (!author) return refuse("from: " + author.error().message);
    search->query.author = *author;
  }
  if (request.before) search->query.before = Cursor{request.before->row, request.before->index};
  search_on(session, id, search);
}

/// One step: rows that the index has not yet, or a page.
void ControlRequests::search_on(ControlSession& session, const std::string& id,
                                const std::shared_ptr<Search>& search) {
  using Step = std::optional<SearchPage>;
  // One more than asked for tells whether there are more.
  search->query.limit = search->limit + 1 - search->reply.messages.size();
  ask_store<Step>(
      session, id,
      [query = search->query](MeshStore& store) -> Result<Step> {
        const auto complete = store.index_words(kIndexRowsAtOnce);
        if (!complete) return tl::unexpected(complete.error());
        if (!*complete) return Step();
        return store.search(query).map([](SearchPage page) { return Step(std::move(page)); });
      },
      [this, id, search](ControlSession& asking, Step& page) {
        if (!page) return search_on(asking, id, search);
        control::SearchReply& reply = search->reply;
        for (const ListedMessage& listed : page->messages) {
          if (!runner_->is_shown(listed, search->ignored)) continue;  // of who is not accepted, or ignored
          search->bytes += listed.text.size();
          reply.messages.push_back({{listed.row, listed.index}, runner_->to_chat(listed)});
        }
        const bool is_full =
            reply.messages.size() > search->limit || search->bytes >= limits::kSearchPageBytesMax;
        if (page->next && !is_full) {
          search->query.before = page->next;
          return search_on(asking, id, search);
        }
        reply.more = page->next.has_value();
        if (reply.messages.size() > search->limit) reply.messages.pop_back();
        server_->reply(asking.id, id, reply);
      });
}

}  // namespace p2pmesh
