#include "engine/kv_layout.h"

#include <cmath>

#include "support/half.h"

namespace shard {

std::uint16_t quantiseHead(const float* x, int dim, std::int8_t* codes) {
  float most = 0.0f;
  for (int d = 0; d < dim; d++) {
    const float size = std::fabs(x[d]);
    most = size > most ? size : most;
  }
  const std::uint16_t scale = floatToHalf(most / 127.0f);
  const float step = halfToFloat(scale);
  // A head of zeros; and one whose largest is below what f16 can tell from nothing.
  const float inverse = step > 0.0f ? 1.0f / step : 0.0f;
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number, half to even
  for (int d = 0; d < dim; d++) {
    const float scaled = x[d] * inverse;
    // The scale's own rounding may make 127.03 of the largest; NaN, of a broken model, becomes 0.
    const float bounded = scaled > 127.0f ? 127.0f : scaled < -127.0f ? -127.0f : scaled == scaled ? scaled : 0.0f;
    codes[d] = static_cast<std::int8_t>(static_cast<int>(bounded + kMagic - kMagic));
  }
  return scale;
}

}  // namespace shard
