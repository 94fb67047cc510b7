#include "object_reader.h"

#include <algorithm>

namespace p2pmesh::control {

const Json* ObjectReader::find(std::string_view name, bool required) {
  known_.push_back(name);
  if (!object_.is_object()) return nullptr;
  // The library's map is keyed by std::string; its comparison takes views.
  const auto& fields = object_.get_ref<const Json::object_t&>();
  const auto at = fields.find(name);
  if (at == fields.end() || (!required && at->second.is_null())) {
    if (required) refuse("\"" + std::string(name) + "\" is missing");
    return nullptr;
  }
  return &at->second;
}

void ObjectReader::expect(std::string_view name, std::string_view what) {
  refuse("\"" + std::string(name) + "\" must be " + std::string(what));
}

std::string ObjectReader::text(std::string_view name) {
  const Json* value = find(name, true);
  if (value == nullptr) return {};
  if (!value->is_string()) return expect(name, "a string"), std::string();
  return value->get_ref<const std::string&>();
}

std::optional<std::string> ObjectReader::optional_text(std::string_view name) {
  if (find(name, false) == nullptr) return std::nullopt;
  return text(name);
}

std::uint64_t ObjectReader::number(std::string_view name, std::uint64_t smallest, std::uint64_t greatest) {
  const Json* value = find(name, true);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    if (number >= smallest && number <= greatest) return number;
  }
  expect(name, "a whole number from " + std::to_string(smallest) + " to " + std::to_string(greatest));
  return 0;
}

std::optional<std::uint64_t> ObjectReader::optional_number(std::string_view name, std::uint64_t smallest,
                                                           std::uint64_t greatest) {
  if (find(name, false) == nullptr) return std::nullopt;
  return number(name, smallest, greatest);
}

std::optional<double> ObjectReader::optional_real(std::string_view name) {
  const Json* value = find(name, false);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return expect(name, "a number"), std::nullopt;
  return value->get<double>();
}

bool ObjectReader::boolean(std::string_view name) {
  const Json* value = find(name, true);
  if (value == nullptr) return false;
  if (!value->is_boolean()) return expect(name, "true or false"), false;
  return value->get<bool>();
}

std::optional<bool> ObjectReader::optional_boolean(std::string_view name) {
  const Json* value = find(name, false);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return expect(name, "true or false"), std::nullopt;
  return value->get<bool>();
}

std::optional<Cursor> ObjectReader::optional_cursor(std::string_view name) {
  const Json* value = find(name, false);
  if (value == nullptr) return std::nullopt;
  auto cursor = value->is_string() ? parse_cursor(value->get_ref<const std::string&>()) : std::nullopt;
  if (!cursor) expect(name, "a cursor like \"12.0\"");
  return cursor;
}

Cursor ObjectReader::cursor(std::string_view name) {
  if (find(name, true) == nullptr) return {};
  const auto cursor = optional_cursor(name);
  if (!cursor) expect(name, "a cursor like \"12.0\"");
  return cursor.value_or(Cursor{});
}

std::optional<MessageId> ObjectReader::optional_message_id(std::string_view name) {
  const Json* value = find(name, false);
  if (value == nullptr) return std::nullopt;
  auto id = value->is_string() ? parse_message_id(value->get_ref<const std::string&>()) : std::nullopt;
  if (!id) expect(name, "a message id: 64 hexadecimal digits, a dot, a number");
  return id;
}

MessageId ObjectReader::message_id(std::string_view name) {
  if (find(name, true) == nullptr) return {};
  const auto id = optional_message_id(name);
  if (!id) expect(name, "a message id: 64 hexadecimal digits, a dot, a number");
  return id.value_or(MessageId{});
}

const Json::array_t& ObjectReader::array(std::string_view name) {
  static const Json::array_t kEmpty;
  const Json* value = find(name, true);
  if (value != nullptr && value->is_array()) return value->get_ref<const Json::array_t&>();
  expect(name, "an array");
  return kEmpty;
}

const Json& ObjectReader::object(std::string_view name) {
  static const Json kEmpty = Json::object();
  const Json* value = find(name, true);
  if (value != nullptr && value->is_object()) return *value;
  expect(name, "an object");
  return kEmpty;
}

const Json* ObjectReader::optional_object(std::string_view name) {
  const Json* value = find(name, false);
  if (value == nullptr || value->is_object()) return value;
  expect(name, "an object");
  return nullptr;
}

std::vector<std::string> ObjectReader::texts(std::string_view name) {
  std::vector<std::string> texts;
  for (const Json& element : array(name)) {
    if (!element.is_string()) return expect(name, "an array of strings"), std::vector<std::string>();
    texts.push_back(element.get_ref<const std::string&>());
  }
  return texts;
}

void ObjectReader::refuse_unknown() {
  if (!object_.is_object()) return;
  for (const auto& [name, value] : object_.get_ref<const Json::object_t&>()) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      refuse("there is no parameter \"" + name.substr(0, 64) + "\"");
    }
  }
}

}  // namespace p2pmesh::control
