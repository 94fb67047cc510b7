// Members of a discovery server: `rendezvous_client COMMAND --target HOST:PORT [--name value]...`; see the
// commands' own files. They come from 127.0.1.x. And a server that lies: `rendezvous_client lie`.
#include <iostream>
#include <string>

#include "commands.h"

int main(int count, char** arguments) {
  using namespace p2pmesh::meeting;
  const std::string command = count > 1 ? arguments[1] : "";
  if (count < 2 || !p2pmesh::init_crypto()) return 64;
  const p2pmesh::attacks::AttackOptions options(count - 2, arguments + 2);
  if (command == "talk") return talk(options);
  if (command == "steady") return steady(options);
  if (command == "check") return check(options);
  if (command == "flood-look-ups") return flood_look_ups(options);
  if (command == "lie") return lie(options);
  if (command == "bench") return bench(options);
  std::cerr << "no such command: " << command << "\n";
  return 64;
}
