#include "model/embedding.h"

namespace shard {

void Embedding::check(ThreadPool& pool) const {
  std::vector<std::vector<float>> scratch(static_cast<std::size_t>(pool.threads()), std::vector<float>(tensor_.cols));
  TensorRows(source_, tensor_).each(pool, [&](int, const std::uint8_t* bytes, int thread) {
    return decoder_.decode(bytes, scratch[static_cast<std::size_t>(thread)].data());
  });
}

}  // namespace shard
