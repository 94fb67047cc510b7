// A member that attacks: `hostile_member ATTACK --target HOST:PORT [--name value]...`; see the attacks' own
// files. It comes from 127.0.1.x, and says in figures what it has done.
#include <iostream>

#include "attack_options.h"

int main(int count, char** arguments) {
  using namespace p2pmesh::attacks;
  const std::string attack = count > 1 ? arguments[1] : "";
  if (count < 2 || !p2pmesh::init_crypto()) return 64;
  const AttackOptions options(count - 2, arguments + 2);
  if (attack == "flood") return flood(options);
  if (attack == "record") return record(options);
  if (attack == "replay") return replay(options);
  if (attack == "flip") return flip(options);
  if (attack == "serve") return serve(options);
  if (attack == "shake") return shake(options);
  if (attack == "misbehave") return misbehave(options);
  std::cerr << "no such attack: " << attack << "\n";
  return 64;
}
