// Which of several meshes on the local network is meant, or whose mesh is: asked at the terminal.
#pragma once

#include <string>
#include <vector>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// The list as it is shown: a number in front of each mesh. `message`: what the node said, a line for each
/// choice behind the first line.
std::string number_choices(const std::string& message, std::size_t choices);

/// Which one that is, from 1 on; nothing when it is none.
std::size_t parse_choice(const std::string& answer, std::size_t choices);

/// Whose mesh is joined instead, after `message` told why nobody was found; asks until it is a name. Empty:
/// nobody's. Errors: kUsage after three tries, kOk when a signal came.
Result<std::string> ask_whose(const std::string& message);

/// Asks until one is chosen, three times at most. Errors: kUsage, kOk when a signal came.
Result<std::string> ask_choice(const std::string& message, const std::vector<std::string>& choices);

}  // namespace p2pmesh
