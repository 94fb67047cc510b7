// One mesh at run time: the core, its ingress, its store, and the switch that carries out the core's outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "closed_mesh_file.h"
#include "contact_names.h"
#include "control_server.h"
#include "link_seal.h"
#include "link_server.h"
#include "mesh_door.h"
#include "name_book.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/dedup/seen_table.h"
#include "p2pmesh/ingress/ingress.h"
#include "peer_file.h"
#include "people_list.h"
#include "prekey_file.h"
#include "presence_notices.h"
#include "profile.h"
#include "room_key_file.h"
#include "room_list.h"
#include "storage_thread.h"

namespace p2pmesh {

/// What a mesh needs of its surroundings; all of it outlives the runner.
struct MeshSurroundings {
  EventLoop& loop;
  LinkServer& links;
  ControlServer& control;
  SeenTable& seen;
  const Signer& member_signer;
  const Signer& node_signer;
  const Verifier& verifier;
  const KeyAgreement& agreement;
  const FileSeal& files;
  LogSink& log;
};

struct MeshPlace {
  /// One of its files.
  [[nodiscard]] std::string file(const char* ending) const { return mesh_file(directory, mesh, ending); }

  MeshId mesh;
  std::string directory;    ///< where the meshes' files lie
  std::string name;         ///< of the local member's first claim, checked
  bool exact_name = false;  ///< no other claim than one that holds
  NetAddress listen;
  std::optional<MeshNonce> founder_nonce;  ///< a new mesh is opened with it
  ProtocolParameters protocol;
  CarryQuota carry;
  bool undiscoverable = false;  ///< from now on, until the local member says otherwise
  bool was_closed = false;      ///< an earlier run said so: then it is not opened without its secret
  std::optional<ClosedMesh>
      closed{};  ///< a closed mesh is opened or joined with it; one that is resumed has it
};

class MeshRunner final : public StorageEvents, public DoorKeeper {
 public:
  /// Opens or creates the store; a damaged one is set aside and said in the log. Errors: as
  /// MeshStore::open().
  static Result<std::unique_ptr<MeshRunner>> open(const MeshPlace& place, const MeshSurroundings& around);
  ~MeshRunner() override;

  [[nodiscard]] Node& node() override { return *node_; }
  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const MeshId& mesh() const { return place_.mesh; }
  [[nodiscard]] bool is_closed() const { return place_.closed.has_value(); }
  /// Of a closed mesh.
  [[nodiscard]] std::optional<MemberKey> founder() const {
    return place_.closed ? std::optional(place_.closed->grant.founder) : std::nullopt;
  }
  /// Null in an open mesh.
  [[nodiscard]] Door* door() { return door_.get(); }
  [[nodiscard]] const std::string& name() const { return place_.name; }
  [[nodiscard]] const MemberKey& member() const { return self_; }
  [[nodiscard]] NodeKey node_key() const { return to_node(around_.node_signer.public_key()); }
  [[nodiscard]] StorageThread& storage() { return *storage_; }
  [[nodiscard]] const std::string& storage_state() const { return storage_state_; }
  [[nodiscard]] bool is_synced() const { return synced_; }
  [[nodiscard]] Instant now() const { return around_.loop.now().monotonic; }
  [[nodiscard]] WallMs wall_ms() const override { return around_.loop.now().wall_ms; }
  [[nodiscard]] std::uint64_t messages_held() const { return messages_held_; }
  [[nodiscard]] std::uint64_t last_row() const { return last_row_; }
  [[nodiscard]] bool knows_peers() const { return knows_peers_; }
  [[nodiscard]] const control::Cursor& read_cursor() const { return read_cursor_; }
  void mark_read(const control::Cursor& cursor);
  [[nodiscard]] const RoomList& rooms() const { return rooms_; }
  /// Joins, leaves or marks a room as read, and keeps it for the next start.
  template <class Change>
  auto change_rooms(Change change) {
    auto result = change(rooms_);
    keep_rooms();
    return result;
  }
  [[nodiscard]] const PeopleList& people() const { return people_; }
  /// Keeps what is noted of somebody, and heeds it. Errors: as PeopleList::note().
  Result<void> note_person(const MemberKey& member, const std::optional<bool>& ignored,
                           const std::optional<bool>& blocked);
  // mesh_book.cc
  Result<void> note_alias(const MemberKey& member, const std::string& alias);
  Result<void> note_place(const MemberKey& member, const std::string& host, std::uint16_t port);
  Result<void> add_place(const NotedPlace& place);
  void drop_place(const std::string& name);
  /// Drops alias and place, and that one talks to it; what was shown of it stays so. True when one did.
  bool forget(const MemberKey& member);
  /// A screen has shown what this member wrote to the local one, up to a row.
  void mark_read_with(const MemberKey& member, std::uint64_t row);
  /// On the disk when it returns. Errors: kIo.
  Result<void> set_discoverable(bool discoverable);
  [[nodiscard]] bool gives_receipts() const { return receipts_; }
  void set_receipts(bool receipts);
  /// The rooms, or one of them, as clients are told of them.
  [[nodiscard]] control::RoomsReply list_rooms() const;
  [[nodiscard]] control::RoomEntry describe_room(const std::string& room) const;
  [[nodiscard]] control::TopicFacts to_facts(const StoredTopic& topic) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;
  /// How far the bounds of base/limits.h are used, by the constant's name in words; control_limits.cc.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> uses() const;

  /// Carries out what the core wanted when it was made; once the links' events reach this runner.
  void begin();
  void handle(const Input& input) override;
  /// A frame of a link that is up; false: the peer is at fault.
  bool on_frame(LinkId link, const FrameView& frame);
  /// Sends a text for a control client; answered when durable.
  void send_text(SessionId session, std::string request_id, std::string room, std::string text);
  /// As send_text(), to one member; the core's access_to() said kOpen.
  void send_direct(SessionId session, std::string request_id, const MemberKey& to, std::string text);
  /// As send_text(), of what a room is about.
  void set_topic(SessionId session, std::string request_id, std::string room, std::string text);
  /// As send_text(), of the key of a private room; the core's access_to() said kOpen.
  void send_invite(SessionId session, std::string request_id, const MemberKey& to, const std::string& room);
  // mesh_runner_moderation.cc
  /// As send_text(), of an entry of a closed mesh; answered with `reply`.
  void write_entry(SessionId session, std::string request_id, const EntryBody& body, control::Reply reply);
  /// Of a closed mesh: for one member, for good. Nobody waits for it.
  void write_invite(const InviteSecret& secret);
  /// As send_text(), of an act; the core's check_act() allowed it.
  void write_act(SessionId session, std::string request_id, WriteAct act);
  /// Opens a room in which nothing is known to have been said, for the local member.
  void found_room(const std::string& room);
  [[nodiscard]] std::optional<StoredTopicLock> topic_lock(const std::string& room) const;
  /// The room that is meant by what check_room_label() has passed.
  [[nodiscard]] std::string find_room(const std::string& typed) const;
  /// Likewise of one that is to be joined: it may be one that somebody has sent the key of, which is kept
  /// then.
  Result<std::string> find_room_to_join(const std::string& typed);
  /// Keeps the key of a private room, opens what is held of it, and gives its label. Errors: as
  /// RoomKeyFile::add(), kUsage when the name is too long.
  Result<std::string> take_room_key(const std::string& name, const RoomKey& key);
  [[nodiscard]] bool has_room_key(const std::string& room) const { return room_keys_.has(room); }
  /// Tells again what this member has sent while it was not to be shown.
  void tell_invitations_of(const MemberKey& member);
  /// The statement by which anybody can revoke the local member's key.
  [[nodiscard]] Revocation make_revocation() const;
  /// Wants another name; `done` is called once, perhaps at once.
  void change_name(std::string name, std::function<void(NameVerdict)> done);
  /// Wakes the core when its deadline has passed, and puts out what the turn has gathered.
  void end_turn();
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Somebody has put the local member out of the mesh: its node is to leave.
  [[nodiscard]] bool is_kicked() const { return is_kicked_; }
  /// The Remove Peer has been handed to every link and is on the disk.
  [[nodiscard]] bool has_left() const { return leave_stored_; }
  void leave();
  // mesh_names.cc
  /// What is known of all members' names, as they are now.
  NameBook& names();
  /// As far as names() has been asked for.
  [[nodiscard]] control::NameDoubt doubt_about(const MemberKey& member) const;
  [[nodiscard]] const ContactNames& contact_names() const { return contact_names_; }

  /// How a notice that is stored is told to clients.
  [[nodiscard]] control::NoticeEvent to_event(const Notice& notice, const control::Cursor& cursor) const;
  /// Ends the storage thread. False when the disk refused.
  bool stop();

  /// How a listed message is told to clients.
  [[nodiscard]] control::ChatMessage to_chat(const ListedMessage& listed) const;
  /// Whether it is: what somebody wrote who is not accepted waits.
  [[nodiscard]] bool is_shown(const ListedMessage& listed, bool ignored_too = false) const {
    if (!ignored_too && people_.is_ignored(listed.author)) return false;
    return !listed.direct || listed.direct->own || node_->is_shown(listed.direct->peer) ||
           listed.row <= people_.shown_until(listed.direct->peer);
  }

 private:
  // Settings in the store.
  static constexpr const char* kReadCursorKey = "read_cursor";
  static constexpr const char* kReceiptsKey = "receipts";
  static constexpr const char* kUnopenedKey = "unopened_from";

  void keep_book();
  MeshRunner(const MeshPlace& place, const MeshSurroundings& around);
  // mesh_start.cc
  Result<void> start(std::unique_ptr<MeshStore> store, bool was_set_aside);
  void renew_prekey();
  void keep_rooms();
  Result<void> keep_undiscoverable();
  Result<void> read_secrets();
  Result<void> check_closed(bool was_closed);
  void begin_opening(std::uint64_t first_row);
  void open_late(std::uint64_t first_row, std::uint64_t opening);
  std::uint64_t expect_acknowledge(SessionId session, std::string request_id);
  void look_at_topic(const std::string& room);
  void complete(control::RoomEntry& entry) const;
  Result<void> keep_room_key(const RoomSecret& secret);
  void open_earlier(const std::string& room);
  void open_next_page(const std::string& room);
  void open_page(const std::string& room, const SealedEnvelopes& sealed);
  void finish_opening(const std::string& room);
  void look_at_invitations(const StoredInvitation& news);
  [[nodiscard]] bool is_open(const StoredInvitation& invitation) const;
  void tell(const StoredInvitation& invitation);
  void tell(control::NoticeKind kind, const MemberKey& member, const std::string& name,
            const std::string& old_name, WallMs at_ms);
  void tell_held(const std::vector<PresenceNotices::Held>& notices);
  // mesh_names.cc
  void restore_contacts(const ContactNames::Settings& settings);
  void on_contact(const MemberKey& member);
  // mesh_runner_moderation.cc
  void run(const HideRefused& refused);
  void run(const LoadActs& wanted);
  void on_act(const Announce& announce);
  void leave_room(const std::string& room);
  void look_at_locked_topics();
  void keep_contact_names();
  void watch_names(const PublishNotice& notice);
  void check_contacts();
  bool on_opened_frame(LinkId link, const FrameView& frame);
  bool on_envelope_frame(LinkId link, const FrameView& frame);
  [[nodiscard]] bool revokes_us(ByteView encoded) const;
  bool on_envelope(LinkId link, ByteView encoded, Path path, std::uint16_t round);
  void drain();
  void run(const Output& output);
  void run(const PublishNotice& notice);
  void run(const Load& load);
  void run(const Announce& announce);
  void run(const Acknowledge& acknowledge);
  void run(const NameAnswer& answer);
  [[nodiscard]] control::DirectFacts describe(const ListedDirect& direct, const EnvelopeId& id) const;
  void run(const StorePeer& peer);
  void run(const StoreAnchors& anchors) { peers_.keep_anchors(anchors.anchors); }
  void run(const StoreDraft& draft);

  void on_committed(EnvelopePtr envelope, EnvelopeContext context, std::uint64_t row) override;
  void on_draft_kept(std::uint64_t number, std::uint64_t token) override;
  void on_notice_committed(const Notice& notice, std::uint64_t row) override;
  void on_fork_kept(EnvelopePtr envelope, const EnvelopeId& replaced) override;
  void on_storage_state(const std::string& state) override;

  MeshPlace place_;
  MeshSurroundings around_;
  MemberKey self_;
  Ingress ingress_;
  PeerFile peers_;
  PrekeyFile prekeys_;
  RoomKeyFile room_keys_;
  std::vector<StoredInvitation> invitations_;           // the newest first
  std::map<std::string, std::uint64_t> rooms_opening_;  // and how many messages were opened
  Instant prekey_due_{};
  std::unique_ptr<MemberDoor> door_;
  std::optional<LinkSeal> seal_;
  bool lacks_secret_ = false;
  std::unique_ptr<StorageThread> storage_;
  std::unique_ptr<Node> node_;
  Outputs outputs_;
  bool draining_ = false;

  struct PendingSend {
    SessionId session;
    std::string request_id;
    std::optional<control::Reply> reply = std::nullopt;  // else where the message is
  };
  std::map<std::uint64_t, PendingSend> sends_;
  std::map<std::uint64_t, std::function<void(NameVerdict)>> wishes_;
  std::uint64_t next_token_ = 1;

  std::string storage_state_ = "ok";
  bool synced_ = false;
  bool knows_peers_ = false;
  bool leave_stored_ = false;
  std::uint64_t messages_held_ = 0;
  bool is_kicked_ = false;
  WallMs started_ms_ = 0;
  std::uint64_t last_row_ = 0;
  std::uint64_t store_overflows_ = 0;
  control::Cursor read_cursor_;
  RoomList rooms_;
  PeopleList people_;
  bool receipts_ = false;
  std::uint64_t unopened_from_ = 0;  // the first row that may hold what was not opened; 0: none
  std::uint64_t opening_ = 0;        // counts up with each change of who is opened
  PresenceNotices presence_notices_;
  NameBook names_;
  Instant names_filled_at_{};
  ContactNames contact_names_;
  bool contacts_due_ = true;  // a name may have gone from one of them to somebody else
};

}  // namespace p2pmesh
