// A sorted vector with the face of a map, for the few entries that are walked over at every turn.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace p2pmesh {

/// Iterators, pointers and references end with every insertion and removal, unlike a std::map's.
template <class Key, class Value>
class FlatMap {
 public:
  using value_type = std::pair<Key, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return items_.begin(); }
  iterator end() { return items_.end(); }
  [[nodiscard]] const_iterator begin() const { return items_.begin(); }
  [[nodiscard]] const_iterator end() const { return items_.end(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

  iterator find(const Key& key) {
    auto found = lower(items_, key);
    return found != items_.end() && found->first == key ? found : items_.end();
  }
  [[nodiscard]] const_iterator find(const Key& key) const {
    auto found = lower(items_, key);
    return found != items_.end() && found->first == key ? found : items_.end();
  }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != items_.end(); }
  /// The first entry whose key is greater.
  [[nodiscard]] const_iterator upper_bound(const Key& key) const {
    return std::upper_bound(items_.begin(), items_.end(), key,
                            [](const Key& wanted, const value_type& item) { return wanted < item.first; });
  }
  Value& operator[](const Key& key) {
    auto place = lower(items_, key);
    if (place == items_.end() || place->first != key) place = items_.emplace(place, key, Value{});
    return place->second;
  }
  /// Keeps what is there under the key.
  void emplace(const Key& key, Value value) {
    auto place = lower(items_, key);
    if (place == items_.end() || place->first != key) items_.emplace(place, key, std::move(value));
  }
  void erase(const Key& key) {
    auto found = find(key);
    if (found != items_.end()) items_.erase(found);
  }
  void erase(iterator place) { items_.erase(place); }

 private:
  template <class Items>
  static auto lower(Items& items, const Key& key) {
    return std::lower_bound(items.begin(), items.end(), key,
                            [](const value_type& item, const Key& wanted) { return item.first < wanted; });
  }
  std::vector<value_type> items_;
};

}  // namespace p2pmesh
