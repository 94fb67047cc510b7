#include "limits_reply.h"

#include <algorithm>
#include <map>

#include "limit_rows.h"

namespace p2pmesh {

control::LimitsReply list_limits(const std::vector<HostSetting>& settings) {
  control::LimitsReply reply;
  for (const LimitRow& row : limit_rows())
    reply.limits.push_back(
        {std::string(row.name), row.limit, std::string(row.unit), {}, std::string(row.key)});
  // What an operator may set stands under its constant, or, without one, under its key.
  for (const HostSetting& setting : settings) {
    const auto same =
        std::find_if(reply.limits.begin(), reply.limits.end(),
                     [&](const control::LimitEntry& entry) { return entry.key == setting.key; });
    if (same != reply.limits.end()) {
      same->limit = setting.value;
    } else {
      reply.limits.push_back({setting.key, setting.value, setting.unit, {}, setting.key});
    }
  }
  return reply;
}

void fill_uses(control::LimitsReply& reply, const LimitUses& uses) {
  const std::map<std::string, std::uint64_t> used(uses.begin(), uses.end());
  for (control::LimitEntry& entry : reply.limits) {
    if (const auto found = used.find(entry.name); found != used.end()) entry.used = found->second;
  }
}

}  // namespace p2pmesh
