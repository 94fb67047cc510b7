// What the client can be told to do; each returns an exit status.
#pragma once

#include "attacks/attack_options.h"

namespace p2pmesh::meeting {

int talk(const attacks::AttackOptions& options);
int steady(const attacks::AttackOptions& options);
int check(const attacks::AttackOptions& options);
int flood_look_ups(const attacks::AttackOptions& options);
int lie(const attacks::AttackOptions& options);
int bench(const attacks::AttackOptions& options);

}  // namespace p2pmesh::meeting
