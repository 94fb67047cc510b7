#include "qr_code.h"

#include <qrencode.h>

#include <memory>

namespace p2pmesh {
namespace {

constexpr int kMargin = 2;  // four are asked for; two are enough on a screen
constexpr const char* kDarkOnLight = "\x1b[30;107m";
constexpr const char* kPlain = "\x1b[0m";

bool is_dark(const QRcode& code, int x, int y) {
  const bool inside = x >= 0 && y >= 0 && x < code.width && y < code.width;
  return inside && (code.data[y * code.width + x] & 1) != 0;
}

}  // namespace

Result<std::string> draw_qr_code(const std::string& text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L), QRcode_free);
  if (!code) return fail(ExitStatus::kDamagedInput, "The link is too long for a QR code.");
  std::string picture;
  for (int y = -kMargin; y < code->width + kMargin; y += 2) {
    picture += kDarkOnLight;
    for (int x = -kMargin; x < code->width + kMargin; ++x) {
      const bool upper = is_dark(*code, x, y);
      const bool lower = is_dark(*code, x, y + 1);
      picture += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
    }
    picture += kPlain;
    picture += '\n';
  }
  return picture;
}

}  // namespace p2pmesh
