#include "people_table.h"

#include <string>

namespace p2pmesh {

PeopleTable::PeopleTable(Database& database)
    : save_(database, "INSERT OR REPLACE INTO people VALUES(?, ?, ?, ?, ?, ?)"),
      delete_(database, "DELETE FROM people WHERE member = ?"),
      select_(database, "SELECT member, ignored, blocked, alias, host, port FROM people ORDER BY member") {}

Result<void> PeopleTable::save(const StoredPerson& person) {
  if (person.is_empty()) return Query(delete_).blob(person.member.view()).run();
  Query query(save_);
  query.blob(person.member.view()).number(std::int64_t{person.ignored}).number(std::int64_t{person.blocked});
  return query.blob(person.alias).blob(person.host).number(std::int64_t{person.port}).run();
}

Result<std::vector<StoredPerson>> PeopleTable::list() {
  std::vector<StoredPerson> people;
  Query query(select_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return people;
    const auto member = query.id_at<MemberKey>(0, "a member's key");
    if (!member) return forward(member);
    people.push_back({*member, query.number_at(1) != 0, query.number_at(2) != 0,
                      std::string(query.text_at(3)), std::string(query.text_at(4)),
                      static_cast<std::uint16_t>(query.number_at(5))});
  }
}

}  // namespace p2pmesh
