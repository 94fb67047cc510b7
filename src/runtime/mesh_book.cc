// The address book of a mesh: other names and places of members, and whom one talks to no more.
#include "mesh_runner.h"

namespace p2pmesh {

void MeshRunner::keep_book() {
  for (auto& [key, value] : people_.take_changes()) storage_->set(std::move(key), std::move(value));
  for (auto& [key, value] : contact_names_.take_changes()) storage_->set(std::move(key), std::move(value));
}

Result<void> MeshRunner::note_alias(const MemberKey& member, const std::string& alias) {
  const auto person = people_.note_alias(member, alias);
  if (!person) return tl::unexpected(person.error());
  storage_->store(*person);
  return {};
}

Result<void> MeshRunner::note_place(const MemberKey& member, const std::string& host, std::uint16_t port) {
  const auto person = people_.note_place(member, host, port);
  if (!person) return tl::unexpected(person.error());
  storage_->store(*person);
  return {};
}

Result<void> MeshRunner::add_place(const NotedPlace& place) {
  if (auto added = people_.add_place(place); !added) return added;
  keep_book();
  return {};
}

void MeshRunner::drop_place(const std::string& name) {
  people_.drop_place(name);
  keep_book();
}

bool MeshRunner::forget(const MemberKey& member) {
  if (const StoredPerson* person = people_.find(member)) {
    StoredPerson rest = *person;
    rest.alias.clear();
    rest.host.clear();
    rest.port = 0;
    // Less is noted than before, for which there is always room.
    if (people_.note_alias(member, "") && people_.note_place(member, "", 0)) storage_->store(rest);
  }
  bool was_contact = false;
  for (const CorrespondentView& known : node_->correspondents())
    was_contact = was_contact || known.member == member;
  if (was_contact && node_->is_shown(member)) people_.keep_shown(member, last_row_);
  if (was_contact) handle(ForgetContact{member});
  contact_names_.forget(member);
  keep_book();
  return was_contact;
}

}  // namespace p2pmesh
