// Reads typed fields out of a JSON object and remembers the first fault, so that callers check once at the
// end.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/control/chat_message.h"
#include "strict_json.h"

namespace p2pmesh::control {

/// Fields that are missing or of another type read as empty and leave a fault. An optional field may be null.
/// Borrows the object and the names.
class ObjectReader {
 public:
  explicit ObjectReader(const Json& object) : object_(object) {
    if (!object.is_object()) refuse("an object is expected");
  }

  std::string text(std::string_view name);
  std::optional<std::string> optional_text(std::string_view name);
  std::uint64_t number(std::string_view name, std::uint64_t smallest = 0,
                       std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max());
  std::optional<std::uint64_t> optional_number(std::string_view name, std::uint64_t smallest,
                                               std::uint64_t greatest);
  std::optional<double> optional_real(std::string_view name);
  bool boolean(std::string_view name);
  std::optional<bool> optional_boolean(std::string_view name);
  Cursor cursor(std::string_view name);
  std::optional<Cursor> optional_cursor(std::string_view name);
  MessageId message_id(std::string_view name);
  std::optional<MessageId> optional_message_id(std::string_view name);
  template <class Id>
  Id key(std::string_view name) {
    const Json* value = find(name, true);
    if (value == nullptr) return {};
    if (const auto id =
            value->is_string() ? Id::from_hex(value->get_ref<const std::string&>()) : std::nullopt)
      return *id;
    return expect(name, "64 hexadecimal digits"), Id{};
  }
  /// Nothing when it is missing or null.
  template <class Id>
  std::optional<Id> optional_key(std::string_view name) {
    return find(name, false) == nullptr ? std::nullopt : std::optional(key<Id>(name));
  }
  [[nodiscard]] bool has(std::string_view name) { return find(name, false) != nullptr; }
  /// The elements of an array; empty and a fault when it is none.
  const Json::array_t& array(std::string_view name);
  const Json& object(std::string_view name);
  /// Null when it is missing or null.
  const Json* optional_object(std::string_view name);
  std::vector<std::string> texts(std::string_view name);

  /// A fault unless every key was asked for.
  void refuse_unknown();
  void refuse(std::string sentence) {
    if (fault_.empty()) fault_ = std::move(sentence);
  }
  /// The first fault as a sentence without a full stop; empty when there is none.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  const Json* find(std::string_view name, bool required);
  void expect(std::string_view name, std::string_view what);

  const Json& object_;
  std::vector<std::string_view> known_;
  std::string fault_;
};

}  // namespace p2pmesh::control
