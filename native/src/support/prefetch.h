// Asking for memory before it is read.
#pragma once

#include <cstddef>

#if !defined(__GNUC__) && !defined(__clang__) && defined(_M_X64)
#include <intrin.h>
#endif

namespace shard {

/**
 * Fetches the line of the byte at p + ahead, which need not be anybody's. Inlined always: GCC takes a function that only
 * fetches for one without effects, and may drop the calls; and each kernel set must have its own.
 */
[[gnu::always_inline]] inline void prefetch(const void* p, std::size_t ahead) {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(static_cast<const char*>(p) + ahead);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(p) + ahead, _MM_HINT_T0);
#else
  (void)p, (void)ahead;
#endif
}

}  // namespace shard
