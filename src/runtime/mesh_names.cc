// What the runner tells of names beside what the core decides: who looks like whom, and whose name has gone
// to somebody else.
#include "mesh_runner.h"

namespace p2pmesh {
namespace {

constexpr auto kFillInterval = std::chrono::seconds(1);  // of a mesh of thousands it takes some milliseconds

bool has_suffix(const std::string& shown) {
  return shown.find('~') != std::string::npos;
}

}  // namespace

NameBook& MeshRunner::names() {
  names_filled_at_ = around_.loop.now().monotonic;
  for (const MemberView& member : node_->members()) names_.note(member.key, member.name);
  return names_;
}

control::NameDoubt MeshRunner::doubt_about(const MemberKey& member) const {
  control::NameDoubt doubt;
  if (member == self_) return doubt;
  if (const auto other = names_.look_alike_of(member)) doubt.looks_like = node_->shown_name(*other);
  doubt.mixes_scripts = names_.mixes_scripts(member);
  return doubt;
}

void MeshRunner::restore_contacts(const ContactNames::Settings& settings) {
  contact_names_.restore(settings);
  for (const CorrespondentView& person : node_->correspondents()) {
    const bool is_new = !contact_names_.is_contact(person.member);
    if (is_new && person.mine == Relation::kAccepted) on_contact(person.member);
  }
}

void MeshRunner::on_contact(const MemberKey& member) {
  const std::string shown = node_->shown_name(member);
  if (!has_suffix(shown)) contact_names_.learn(member, shown);
  keep_contact_names();
}

void MeshRunner::watch_names(const PublishNotice& notice) {
  const bool is_renamed = notice.kind == NoticeKind::kRenamed;
  if (is_renamed && contact_names_.is_contact(notice.member)) {
    contacts_due_ = true;
    on_contact(notice.member);
  } else if (!has_suffix(notice.name) && contact_names_.taken_from(notice.name, notice.member)) {
    contacts_due_ = true;
  }
  if (!around_.control.has_live_subscribers()) return;  // who subscribes later has all names looked at
  const bool is_new = notice.kind == NoticeKind::kJoined || notice.kind == NoticeKind::kAsks;
  if (is_new || is_renamed) names_.note(notice.member, notice.name);
  // Some come without a notice: who was offline when its record came.
  const bool is_complete = names_.size() >= node_->status().members;
  if (!is_complete && names_filled_at_ + kFillInterval <= around_.loop.now().monotonic) names();
}

/// Tells once of each contact by whose name somebody else is shown now.
void MeshRunner::check_contacts() {
  if (!std::exchange(contacts_due_, false) || contact_names_.is_empty()) return;
  for (const MemberView& member : node_->members()) {
    if (member.self || has_suffix(member.name)) continue;
    const auto contact = contact_names_.taken_from(member.name, member.key);
    if (contact && contact_names_.tell_once(*contact, member.name, member.key)) {
      tell(control::NoticeKind::kTakenOver, member.key, member.name, node_->shown_name(*contact),
           around_.loop.now().wall_ms);
    }
  }
  keep_contact_names();
}

/// With what made it known, so that no crash comes between.
void MeshRunner::keep_contact_names() {
  for (auto& [key, value] : contact_names_.take_changes()) storage_->set(std::move(key), std::move(value));
}

}  // namespace p2pmesh
