// A link as a picture that a telephone reads from the screen.
#pragma once

#include <string>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// Lines of half blocks, two rows of the code in one line of text, with the light margin that readers need.
/// Dark on light whatever the terminal's colours are. Errors: kDamagedInput when the text is too long.
Result<std::string> draw_qr_code(const std::string& text);

}  // namespace p2pmesh
