#include "strict_json.h"

#include <vector>

#include "p2pmesh/base/limits.h"

namespace p2pmesh::control {
namespace {

/// Builds the value as the library's parser meets its parts; each member returns false to stop the parse.
class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Json root;
  JsonFault fault;

  bool null() { return place(nullptr) != nullptr; }
  bool boolean(bool value) { return place(value) != nullptr; }
  bool number_integer(number_integer_t value) { return place(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) { return place(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) { return place(value) != nullptr; }
  bool string(string_t& value) { return place(std::move(value)) != nullptr; }
  bool binary(binary_t&) { return refuse("holds binary data"); }

  bool start_object(std::size_t) { return open(Json::value_t::object); }
  bool start_array(std::size_t) { return open(Json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(string_t& name) {
    const auto [at, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(name, nullptr);
    if (!is_new) return refuse("has the key \"" + name.substr(0, 64) + "\" twice");
    slot_ = &at->second;
    return true;
  }

  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& error) {
    constexpr int kNumberOutOfRange = 406;
    fault.is_syntax = true;
    fault.reason = error.id == kNumberOutOfRange ? "has a number that is out of range before byte "
                                                 : "is not JSON in UTF-8, from byte ";
    fault.reason += std::to_string(position) + " on";
    return false;
  }

 private:
  template <class Value>
  Json* place(Value&& value) {
    if (open_.empty()) return &(root = Json(std::forward<Value>(value)));
    Json& parent = *open_.back();
    if (parent.is_array()) return &parent.get_ref<Json::array_t&>().emplace_back(std::forward<Value>(value));
    return &(*slot_ = Json(std::forward<Value>(value)));
  }
  bool open(Json::value_t type) {
    if (open_.size() == limits::kControlDepthMax) {
      return refuse("is nested deeper than " + std::to_string(limits::kControlDepthMax));
    }
    open_.push_back(place(type));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string reason) {
    fault = {false, std::move(reason)};
    return false;
  }

  std::vector<Json*> open_;  // an element's address holds while it is the innermost open one of its array
  Json* slot_ = nullptr;
};

}  // namespace

tl::expected<Json, JsonFault> parse_json(std::string_view text) {
  // The library takes a NUL byte for the end of the text.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return tl::unexpected<JsonFault>(JsonFault{true, "has a NUL byte at " + std::to_string(nul)});
  }
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder))
    return tl::unexpected<JsonFault>(std::move(builder.fault));
  return std::move(builder.root);
}

}  // namespace p2pmesh::control
