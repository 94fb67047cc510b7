// What must hold in a world at rest over some time: neighbors are so for both ends, the broadcast runs along
// a tree, a newcomer is passed on, nothing is compared, walked or rebuilt for ever.
#pragma once

#include "stage.h"

namespace p2pmesh::sim {

/// Runs a world without faults for about a minute; what does not hold becomes a violation of the stage. The
/// world ends with one member more, when its views are partial.
void check_still(Stage& stage);

}  // namespace p2pmesh::sim
